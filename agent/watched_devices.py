"""Everything that asks other devices: SNMP, probes, upsd.  Imported only where the configuration names some."""

from agent.collectors.polled import PolledCollector, Standings
from agent.config import Config
from agent.devices.reader import DeviceReader
from agent.errors import AgentError
from agent.events import Journal
from agent.nut.collector import NutCollector, NutTarget, client_tls
from agent.polled import DEFAULT_INTERVAL_SECONDS
from agent.power_watch import PowerWatch
from agent.probe_source import ProbeSource
from agent.snmp.poller import Poller, Source
from agent.ups.agreement import Agreement
from agent.ups.reader import UpsReader


class WatchedDevices:
    """Runs from ``start`` to ``stop``; ``collector`` shows how the devices stand.

    Raises AgentError when the trap port or the CA's file cannot be had.
    """

    def __init__(self, config: Config, journal: Journal) -> None:
        interval_seconds = config.snmp.interval_seconds if config.snmp else DEFAULT_INTERVAL_SECONDS
        sources: list[Source] = []
        self._snmp = None
        if config.snmp:
            from agent.snmp.source import SnmpSource  # noqa: PLC0415 - pysnmp only where there is SNMP

            self._snmp = SnmpSource(config.snmp, _reader, journal)
            sources.append(self._snmp)
        if config.probes:
            sources.append(ProbeSource(config.probes, interval_seconds))
        self._poller = Poller(sources, journal) if sources else None
        self._nut = _nut(config, journal) if config.nut else None
        self._power = PowerWatch(config.power, journal) if config.nut else None
        self.collector = PolledCollector(self._standings, self._durations, self._traps, Agreement(interval_seconds))

    def start(self) -> None:
        """Begin to ask."""
        for part in (self._poller, self._nut, self._power):
            if part is not None:
                part.start()

    def stop(self) -> None:
        """End."""
        for part in (self._poller, self._nut, self._power):
            if part is not None:
                part.stop()

    def _standings(self) -> Standings:
        polled = self._poller.standings() if self._poller else ()
        return (*polled, *(self._nut.standings() if self._nut else ()))

    def _durations(self) -> dict[str, float]:
        return self._poller.durations() if self._poller else {}

    def _traps(self) -> dict[str, int]:
        return dict(self._snmp.trap_counts) if self._snmp else {}


def _reader(kind: str) -> UpsReader | DeviceReader:
    return UpsReader() if kind == "ups" else DeviceReader()


def _nut(config: Config, journal: Journal) -> NutCollector:
    targets = [NutTarget(each.ups, each.address, each.port, each.server_name) for each in config.nut]
    try:
        return NutCollector(targets, client_tls(config.tls.ca), journal)
    except OSError as error:
        raise AgentError(
            str(config.tls.ca), error.strerror or str(error), "run the playbook with --tags pki"
        ) from error
