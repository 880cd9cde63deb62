"""Printers by Printer-MIB (RFC 3805): what is left in toner and paper, what hinders printing, pages printed."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import islice

from agent.devices import brother
from agent.devices.reading import Supply
from agent.devices.values import MAX_ROWS, Cell, Values, count, scalar, text, unique, whole

SUPPLY = "1.3.6.1.2.1.43.11.1.1"
SUPPLY_NAME, SUPPLY_UNIT, CAPACITY, LEVEL = (f"{SUPPLY}.{column}" for column in (6, 7, 8, 9))
LIFE_COUNT = "1.3.6.1.2.1.43.10.2.1.4"  # prtMarkerLifeCount
COUNTER_UNIT = "1.3.6.1.2.1.43.10.2.1.3"  # prtMarkerCounterUnit
PAGES = (7, 8, None)  # impressions, sheets; a plotter may count its film in metres
ALERT = "1.3.6.1.2.1.43.18.1.1"
ALERT_SEVERITY, ALERT_CODE = f"{ALERT}.2", f"{ALERT}.7"
ERROR_STATE = "1.3.6.1.2.1.25.3.5.1.2"  # hrPrinterDetectedErrorState
OBJECT_ID = "1.3.6.1.2.1.1.2.0"
PERCENT = 19  # PrtMarkerSuppliesSupplyUnitTC
SERIAL_NUMBER = re.compile(r"(?:[\s,;]+S/N|;SN).*")  # Samsung; Xerox
CRITICAL, WARNING, BINARY_CHANGE_WARNING = 3, 4, 5
ERRORS = (
    "lowPaper",
    "noPaper",
    "lowToner",
    "noToner",
    "doorOpen",
    "jammed",
    "offline",
    "serviceRequested",
    "inputTrayMissing",
    "outputTrayMissing",
    "markerSupplyMissing",
    "outputNearFull",
    "outputFull",
    "inputTrayEmpty",
    "overduePreventMaint",
)
"""The bits of hrPrinterDetectedErrorState, the most significant of the first octet first."""


@cache
def alert_codes() -> Mapping[int, str]:
    """Return PrtAlertCodeTC's words by number."""
    data = files("agent.snmp.profiles").joinpath("printer_alerts.toml").read_text(encoding="utf-8")
    return {int(code): word for code, word in tomllib.loads(data)["codes"].items()}


class Printer:
    """The supplies, alerts and page count of one printer."""

    tables: Sequence[Sequence[str]] = (
        (LEVEL, SUPPLY_NAME, SUPPLY_UNIT, CAPACITY),
        (ERROR_STATE, LIFE_COUNT, COUNTER_UNIT),
    )

    def volatile(self, values: Values) -> Sequence[str]:
        """Return the columns to walk at every poll: the rows of alerts come and go."""
        if not values.column(LEVEL) and not values.column(ERROR_STATE):
            return ()
        of_brother = text(values.get(scalar(OBJECT_ID))).startswith(f"{brother.ENTERPRISE}.")
        return (ALERT_CODE, ALERT_SEVERITY, *((brother.MAINTENANCE,) if of_brother else ()))

    def current(self, values: Values) -> Iterable[Cell]:
        """Return what to ask at every poll."""
        return [Cell(ERROR_STATE, row) for row in islice(values.column(ERROR_STATE), MAX_ROWS)]

    def supplies(self, values: Values) -> tuple[Supply, ...]:
        """Return what is left of each supply; of a waste box its MIB gives the room that is left.

        A supply keeps its name when it is replaced: the serial number that some printers put into it is left out.
        """
        rows = list(values.column(LEVEL))[:MAX_ROWS]
        described = [SERIAL_NUMBER.sub("", text(values.column(SUPPLY_NAME).get(row))) for row in rows]
        names = unique(zip(described, (row.rpartition(".")[2] for row in rows), strict=True))
        left = brother.toner_left(values.column(brother.MAINTENANCE).get("0"))
        return tuple(
            Supply(name, _known_by_brother(left, name) if (ratio := _ratio(values, row)) is None else ratio)
            for name, row in zip(names, rows, strict=True)
        )

    def alerts(self, values: Values) -> tuple[str, ...]:
        """Return what hinders the printer or soon will, in the MIBs' words, in alphabetical order."""
        words = set()
        for state in values.column(ERROR_STATE).values():
            octets = state if isinstance(state, bytes) else b""
            words |= {word for bit, word in enumerate(ERRORS) if _bit(octets, bit)}
        for row, code in islice(values.column(ALERT_CODE).items(), MAX_ROWS):
            severity = whole(values.column(ALERT_SEVERITY).get(row))
            if severity in (CRITICAL, WARNING, BINARY_CHANGE_WARNING) and isinstance(code, int):
                words.add(alert_codes().get(code, f"alert{code}"))
        return tuple(sorted(words))

    def pages(self, values: Values) -> int | None:
        """Return what all markers have printed in the printer's life."""
        counts = [
            printed
            for row, value in values.column(LIFE_COUNT).items()
            if whole(values.column(COUNTER_UNIT).get(row)) in PAGES and (printed := count(value)) is not None
        ]
        return max(counts, default=None)


def _bit(octets: bytes, bit: int) -> bool:
    return bit // 8 < len(octets) and bool(octets[bit // 8] & 0x80 >> bit % 8)


def _known_by_brother(left: Mapping[str, float], name: str) -> float | None:
    return next((ratio for beginning, ratio in left.items() if name.startswith(beginning)), None)


def _ratio(values: Values, row: str) -> float | None:
    """Return level by capacity.  Level -1: no limit; -2: unknown; -3: some is left.  Capacity -1 and -2 likewise."""
    level = whole(values.column(LEVEL).get(row))
    capacity = whole(values.column(CAPACITY).get(row))
    if level is None or level < 0:
        return None
    if capacity is None or capacity <= 0:
        percent = whole(values.column(SUPPLY_UNIT).get(row)) == PERCENT
        capacity = 100 if percent else None
    return None if capacity is None or level > capacity else level / capacity
