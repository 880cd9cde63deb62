"""Reads one device by SNMP, poll by poll, asking for no more than can have changed.

A *full* poll asks who the device is and walks every table: at first, after each restart, and at every tenth poll for
what changes slowly (names, storage, errors, supplies).  The polls between ask one GET of the values that move.
"""

import time
from collections.abc import Callable, Iterable

from agent.devices.clock import UptimeClock
from agent.devices.entity_sensor import EntitySensors
from agent.devices.host_resources import HostResources
from agent.devices.interfaces import Interfaces
from agent.devices.printer import Printer
from agent.devices.profile import chosen, presence_cells, profiles
from agent.devices.reading import DeviceReading
from agent.devices.sensors import named_contacts, named_sensors
from agent.devices.values import Cell, Values, scalar, text, whole
from agent.devices.vendor import VendorTables
from agent.polling import Answers, PollError, Snmp, Trouble, Value

FULL_EVERY = 10
DESCRIPTION, OBJECT_ID, UPTIME, NAME, LOCATION = (scalar(f"1.3.6.1.2.1.1.{number}.0") for number in (1, 2, 3, 5, 6))
HOST_UPTIME = scalar("1.3.6.1.2.1.25.1.1.0")  # hrSystemUptime: of the host, where sysUpTime is the SNMP agent's
SYSTEM = (DESCRIPTION, OBJECT_ID, UPTIME, NAME, LOCATION, HOST_UPTIME)
ALWAYS = (OBJECT_ID, UPTIME, HOST_UPTIME)
MAX_MODEL = 80


class DeviceReader:
    """The state between polls of one device.  ``now`` is a clock that nobody sets, in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._forget()

    def _forget(self) -> None:
        self._values = Values()
        self._clock, self._host_clock = UptimeClock(), UptimeClock()
        self._interfaces = Interfaces()
        self._host = HostResources()
        self._entity_sensors = EntitySensors()
        self._printer = Printer()
        self._vendor = VendorTables()
        self._object_id: str | None = None
        self._identity = DeviceReading()
        self._current: tuple[Cell, ...] = ()
        self._until_full = 0
        self._restarted = False  # and no full poll has come through since
        self._garbled: dict[str, str] = {}

    async def poll(self, snmp: Snmp) -> DeviceReading:
        """Return the device's state.  Raises PollError.

        After a failure the next poll is as the one that failed would have been; nothing old is shown.
        """
        if self._until_full > 0:
            answers = await snmp.get([cell.oid for cell in (*ALWAYS, *self._current)])
            self._follow_clocks(answers)
            if _object_id(answers.get(OBJECT_ID.oid)) == self._object_id and not self._restarted:
                for column in self._printer.volatile(self._values):
                    await self._walk(snmp, column)
                self._values.put_cells((*ALWAYS, *self._current), answers)
                self._until_full -= 1
                return self._read()
            self._until_full = 0
        return await self._full(snmp)

    def _follow_clocks(self, answers: Answers) -> None:
        for clock, cell in ((self._clock, UPTIME), (self._host_clock, HOST_UPTIME)):
            if clock.follow(whole(answers.get(cell.oid)), self._now()):
                self._restarted = True

    async def _full(self, snmp: Snmp) -> DeviceReading:
        answers = await snmp.get([cell.oid for cell in SYSTEM])
        said = _object_id(answers.get(OBJECT_ID.oid))
        object_id = said if answers else await _object_id_by_presence(snmp)
        if self._object_id is not None and said != self._object_id:
            self._forget()  # another device at this address
        self._follow_clocks(answers)
        self._values.put_cells(SYSTEM, answers)
        await self._choose_vendor(snmp, object_id)
        await self._ask_everything(snmp)
        for part in (self._interfaces, self._host, self._vendor):
            part.choose(self._values)
        self._current = tuple(dict.fromkeys(self._moving()))
        self._identity = self._identify(object_id)
        reading = self._read()
        self._restarted = False
        first = self._object_id is None
        self._object_id = said
        ticks = whole(answers.get(UPTIME.oid)) or 0
        self._until_full = ticks % FULL_EVERY if first else FULL_EVERY - 1  # so that not all devices do it together
        return reading

    async def _choose_vendor(self, snmp: Snmp, object_id: str) -> None:
        asked = presence_cells(object_id)
        present = await snmp.get([cell.oid for cell in asked]) if asked else {}
        self._vendor = VendorTables(chosen(object_id, present))

    async def _ask_everything(self, snmp: Snmp) -> None:
        scalars = (*self._host.scalars, *self._vendor.scalars)
        self._values.put_cells(scalars, await snmp.get([cell.oid for cell in scalars]))
        parts = (self._interfaces, self._host, self._entity_sensors, self._printer, self._vendor)
        for head, *others in (table for part in parts for table in part.tables):
            if await self._walk(snmp, head):
                for column in others:
                    await self._walk(snmp, column)
            else:
                for column in others:
                    self._values.put_column(column, {})
        for column in (*self._interfaces.missing(self._values), *self._printer.volatile(self._values)):
            await self._walk(snmp, column)

    async def _walk(self, snmp: Snmp, column: str) -> bool:
        """Walk a column; one that the device garbles is left out, with a note.  Returns whether it has rows."""
        try:
            answers = await snmp.walk(column)
            self._garbled.pop(column, None)
        except PollError as error:
            if error.trouble is not Trouble.BAD_ANSWER:
                raise
            answers = {}
            self._garbled[column] = f"{column} is left out: {error.detail}"
        self._values.put_column(column, answers)
        return bool(answers)

    def _moving(self) -> Iterable[Cell]:
        for part in (self._interfaces, self._host, self._entity_sensors, self._printer, self._vendor):
            yield from part.current(self._values)

    def _identify(self, object_id: str) -> DeviceReading:
        description = text(self._values.get(DESCRIPTION))
        return DeviceReading(
            vendor=self._vendor.vendor,
            model=self._vendor.model(self._values, description) or description[:MAX_MODEL],
            name=text(self._values.get(NAME)),
            location=text(self._values.get(LOCATION)),
            software=self._vendor.software(self._values, description),
            object_id=object_id,
        )

    def _read(self) -> DeviceReading:
        values, vendor, host = self._values, self._vendor, self._host
        sensors, notes = named_sensors((*vendor.measured(values), *self._entity_sensors.measured(values)))
        cpu = vendor.cpu_used_ratio(values)
        return DeviceReading(
            vendor=self._identity.vendor,
            model=self._identity.model,
            name=self._identity.name,
            location=self._identity.location,
            software=self._identity.software,
            object_id=self._identity.object_id,
            uptime_seconds=self._clock.seconds if self._host_clock.seconds is None else self._host_clock.seconds,
            interfaces=self._interfaces.read(values, self._now(), restarted=self._restarted),
            cpu_used_ratio=host.cpu_used_ratio(values) if cpu is None else cpu,
            memory=vendor.memory(values) or host.memory(values),
            storages=host.storages(values),
            sensors=sensors,
            contacts=named_contacts((*vendor.switched(values), *self._entity_sensors.switched(values))),
            supplies=self._printer.supplies(values),
            printer_alerts=self._printer.alerts(values),
            pages=self._printer.pages(values),
            notes=(*self._interfaces.notes, *notes, *self._garbled.values()),
        )


async def _object_id_by_presence(snmp: Snmp) -> str:
    """Return the sysObjectID that stands for a device without one: cameras that have their vendor's objects alone.

    Raises PollError where no profile knows any of the device's objects.
    """
    known = {profile.present: profile.object_ids[0] for profile in profiles() if profile.present}
    for oid in await snmp.get(list(known)):
        return known[oid]
    raise PollError(
        Trouble.UNKNOWN_DEVICE,
        "answers SNMP, but shows no system group (SNMPv2-MIB): its view for this community or user may leave it out",
    )


def _object_id(value: Value | None) -> str:
    return text(value).removeprefix(".")
