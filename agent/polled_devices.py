"""The poller with all that the configuration gives it: SNMP devices, their traps, probes."""

from collections.abc import Mapping
from typing import Any

from agent.config import Config
from agent.devices.reader import DeviceReader
from agent.events import Journal
from agent.polling import Standing
from agent.probe_source import ProbeSource
from agent.snmp.poller import Poller, Source
from agent.ups.reader import UpsReader


class PolledDevices:
    """Runs from ``start`` to ``stop``.  Raises AgentError when the trap port cannot be had."""

    def __init__(self, config: Config, interval_seconds: float, journal: Journal) -> None:
        sources: list[Source] = []
        self._snmp = None
        if config.snmp:
            from agent.snmp.source import SnmpSource  # noqa: PLC0415 - pysnmp only where there is SNMP

            self._snmp = SnmpSource(config.snmp, _reader, journal)
            sources.append(self._snmp)
        if config.probes:
            sources.append(ProbeSource(config.probes, interval_seconds))
        self._poller = Poller(sources, journal)

    def start(self) -> None:
        """Begin to poll."""
        self._poller.start()

    def stop(self) -> None:
        """End."""
        self._poller.stop()

    def standings(self) -> tuple[Standing[Any], ...]:
        """Return how every polled device stands now."""
        return self._poller.standings()

    def durations(self) -> Mapping[str, float]:
        """Return how many seconds each SNMP device's last poll took."""
        return self._poller.durations()

    def trap_counts(self) -> Mapping[str, int]:
        """Return what became of the notifications received since the start; empty without a receiver."""
        return dict(self._snmp.trap_counts) if self._snmp else {}


def _reader(kind: str) -> UpsReader | DeviceReader:
    return UpsReader() if kind == "ups" else DeviceReader()
