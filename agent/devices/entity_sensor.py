"""Sensors by ENTITY-SENSOR-MIB (RFC 3433): the unit, the scale and the decimal places come with each value."""

from collections.abc import Iterable, Sequence

from agent.devices.reading import Contact, Place, Quantity
from agent.devices.sensors import Measured, Switched
from agent.devices.values import MAX_ROWS, Cell, Values, text, whole

ENTRY = "1.3.6.1.2.1.99.1.1.1"
TYPE, SCALE, PRECISION, VALUE, STATUS = (f"{ENTRY}.{column}" for column in (1, 2, 3, 4, 5))
DESCRIPTION, NAME = (f"1.3.6.1.2.1.47.1.1.1.1.{column}" for column in (2, 7))  # entPhysicalDescr, entPhysicalName

QUANTITIES = {
    3: Quantity.VOLTAGE,  # alternating
    4: Quantity.VOLTAGE,  # direct
    5: Quantity.CURRENT,
    6: Quantity.POWER,
    7: Quantity.FREQUENCY,
    8: Quantity.TEMPERATURE,
    9: Quantity.HUMIDITY,
    10: Quantity.FAN_SPEED,
}
OF_THE_AIR = {Quantity.TEMPERATURE, Quantity.HUMIDITY}
TRUTH_VALUE, TRUE = 12, 1
EXPONENTS = {**{code: 3 * (code - 9) for code in range(1, 14)}, 14: 18, 15: 15, 16: 21, 17: 24}
"""EntitySensorDataScale: yocto(1) to tera(13); exa(14) and peta(15) stand in this order in the MIB."""
OUT_OF_RANGE = 1_000_000_000  # and its negative: under- and overflow
OK = 1
DIGITS = 9  # after the point: more is the binary fraction's noise


class EntitySensors:
    """The sensors of one device."""

    tables: Sequence[Sequence[str]] = ((TYPE, SCALE, PRECISION, VALUE, STATUS, NAME, DESCRIPTION),)

    def current(self, values: Values) -> Iterable[Cell]:
        """Return what to ask at every poll: value and state of each sensor."""
        for row in self._rows(values):
            yield Cell(VALUE, row)
            yield Cell(STATUS, row)

    def measured(self, values: Values) -> Iterable[Measured]:
        """Return the sensors that work, in base units.

        The MIB does not say where they are.  Nobody measures the humidity inside a device: where it is measured, the
        temperature beside it is the room's, too.
        """
        rows = self._rows(values)
        humid = any(_quantity(values, row) is Quantity.HUMIDITY for row in rows)
        for row in rows:
            quantity = _quantity(values, row)
            value = whole(values.column(VALUE).get(row))
            if quantity is None or value is None or abs(value) >= OUT_OF_RANGE or not _works(values, row):
                continue
            exponent = EXPONENTS.get(whole(values.column(SCALE).get(row)) or 9, 0)
            places = whole(values.column(PRECISION).get(row)) or 0
            scaled = value * 10.0 ** (exponent - max(0, min(places, 9)))  # a negative precision counts accurate digits
            if quantity is Quantity.HUMIDITY:
                scaled /= 100
            place = Place.ROOM if humid and quantity in OF_THE_AIR else Place.INSIDE
            yield Measured(_name(values, row), row, quantity, round(scaled, DIGITS), place)

    def switched(self, values: Values) -> Iterable[Switched]:
        """Return the sensors that say true or false, as contacts: true(1) is open."""
        for row in self._rows(values):
            value = whole(values.column(VALUE).get(row))
            if whole(values.column(TYPE).get(row)) == TRUTH_VALUE and value in (1, 2) and _works(values, row):
                yield Switched(row, Contact(_name(values, row), value == TRUE))

    @staticmethod
    def _rows(values: Values) -> list[str]:
        known = (*QUANTITIES, TRUTH_VALUE)
        return [row for row, kind in values.column(TYPE).items() if kind in known][:MAX_ROWS]


def _quantity(values: Values, row: str) -> Quantity | None:
    return QUANTITIES.get(whole(values.column(TYPE).get(row)) or 0)


def _works(values: Values, row: str) -> bool:
    return whole(values.column(STATUS).get(row)) in (OK, None)


def _name(values: Values, row: str) -> str:
    return text(values.column(NAME).get(row)) or text(values.column(DESCRIPTION).get(row))
