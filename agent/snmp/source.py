"""All SNMP devices of the configuration, with their engine, and the traps that they send."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from agent.devices.values import text
from agent.events import Journal
from agent.polled import SnmpConfig, SnmpDevice
from agent.polling import Snmp, Value
from agent.snmp.device import Device
from agent.snmp.engine import Engine
from agent.snmp.repeats import News
from agent.snmp.schedule import Watch
from agent.snmp.trap_codes import OTHER, event_code
from agent.snmp.traps import TrapReceiver, alarm_of, bind

logger = logging.getLogger(__name__)

PORT_NAMES = ("1.3.6.1.2.1.31.1.1.1.1.", "1.3.6.1.2.1.2.2.1.2.", "1.3.6.1.2.1.2.2.1.1.")
"""What says which port a linkDown is about: ifName, ifDescr, ifIndex."""


class Reader(Protocol):
    """Knows how to read one kind of device; belongs to one device, of which it may remember what it is."""

    async def poll(self, snmp: Snmp, /) -> Any:  # noqa: ANN401 - each kind has a reading of its own
        """Return a reading; raises PollError."""
        ...


class SnmpSource:
    """Implements ``agent.snmp.poller.Source``.  Raises AgentError when the trap port cannot be had."""

    def __init__(self, config: SnmpConfig, reader: Callable[[str], Reader], journal: Journal) -> None:
        self._config = config
        self._reader = reader
        self._journal = journal
        self._channel = bind(config.traps) if config.traps else None
        self._engine: Engine | None = None
        self._receiver: TrapReceiver | None = None
        self._news: dict[str, News] = {}
        self._hurry: Callable[[str], None] = lambda _name: None

    @property
    def trap_counts(self) -> Mapping[str, int]:
        """Result (accepted, unknown_sender, refused) → notifications since the start."""
        return self._receiver.counts if self._receiver else {}

    async def open(self, hurry: Callable[[str], None]) -> Sequence[Watch]:
        """See ``Source``."""
        self._hurry = hurry
        self._engine = Engine()
        if self._channel is not None:
            self._receiver = TrapReceiver(self._engine, self._config.devices, self._trapped)
            await self._receiver.listen(self._channel)
        return [self._watch(self._engine, device) for device in self._config.devices]

    def close(self) -> None:
        """See ``Source``."""
        if self._engine is not None:
            self._engine.close()

    def _watch(self, engine: Engine, device: SnmpDevice) -> Watch:
        snmp = Device(engine, device.address, device.port, device.credentials)
        reader = self._reader(device.kind)
        return Watch(device.name, device.kind, "snmp", self._config.interval_seconds, lambda: reader.poll(snmp))

    def _trapped(self, device: SnmpDevice, trap: str, variables: Mapping[str, Value | None]) -> None:
        """Make a notification an event, unless it only says again what one just said; poll its sender in any case."""
        code = event_code(trap, alarm_of(variables))
        detail = _port(variables) if code in {"link_down", "link_up"} else trap
        if self._news.setdefault(device.name, News()).is_new(code, detail, time.monotonic()):
            logger.log(
                logging.INFO if code == OTHER else logging.WARNING, "trap of %s: %s %s", device.name, code, detail
            )
            self._journal.add(device.name, "trap", code, detail)
        self._hurry(device.name)


def _port(variables: Mapping[str, Value | None]) -> str:
    for prefix in PORT_NAMES:
        for oid, value in variables.items():
            if oid.startswith(prefix):
                return text(value)
    return ""
