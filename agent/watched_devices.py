"""Everything that asks other devices: SNMP, probes, upsd.  Imported only where the configuration names some."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from agent.collectors.polled import PolledCollector, Standings
from agent.config import Config
from agent.errors import AgentError
from agent.events import Journal
from agent.nut.collector import NutCollector, NutTarget, client_tls
from agent.polled import DEFAULT_INTERVAL_SECONDS
from agent.power_watch import PowerWatch
from agent.ups.agreement import Agreement

if TYPE_CHECKING:
    from agent.polled_devices import PolledDevices


class WatchedDevices:
    """Runs from ``start`` to ``stop``; ``collector`` shows how the devices stand.

    Raises AgentError when the trap port or the CA's file cannot be had.
    """

    def __init__(self, config: Config, journal: Journal) -> None:
        interval_seconds = config.snmp.interval_seconds if config.snmp else DEFAULT_INTERVAL_SECONDS
        self._polling = _polling(config, interval_seconds, journal)
        self._nut = _nut(config, journal) if config.nut else None
        self._power = PowerWatch(config.power, journal) if config.nut else None
        self.collector = PolledCollector(self._standings, self._durations, self._traps, Agreement(interval_seconds))

    def start(self) -> None:
        """Begin to ask."""
        for part in (self._polling, self._nut, self._power):
            if part is not None:
                part.start()

    def stop(self) -> None:
        """End."""
        for part in (self._polling, self._nut, self._power):
            if part is not None:
                part.stop()

    def _standings(self) -> Standings:
        polled = self._polling.standings() if self._polling else ()
        return (*polled, *(self._nut.standings() if self._nut else ()))

    def _durations(self) -> Mapping[str, float]:
        return self._polling.durations() if self._polling else {}

    def _traps(self) -> Mapping[str, int]:
        return self._polling.trap_counts() if self._polling else {}


def _polling(config: Config, interval_seconds: float, journal: Journal) -> "PolledDevices | None":
    if not (config.snmp or config.probes):
        return None
    from agent.polled_devices import PolledDevices  # noqa: PLC0415 - a host with nothing but upsd needs no event loop

    return PolledDevices(config, interval_seconds, journal)


def _nut(config: Config, journal: Journal) -> NutCollector:
    targets = [NutTarget(each.ups, each.address, each.port, each.server_name) for each in config.nut]
    try:
        return NutCollector(targets, client_tls(config.tls.ca), journal)
    except OSError as error:
        raise AgentError(
            str(config.tls.ca), error.strerror or str(error), "run the playbook with --tags pki"
        ) from error
