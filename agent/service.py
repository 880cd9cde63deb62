"""One agent put together: configuration → TLS, collectors, pages, listener."""

import logging
import signal
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING

from agent.collectors.backup import BackupCollector
from agent.collectors.certificates import CertificateCollector
from agent.collectors.clock import ClockCollector
from agent.collectors.cpu import CpuCollector
from agent.collectors.disk import DiskCollector
from agent.collectors.drill import DrillCollector
from agent.collectors.facts import FactsCollector
from agent.collectors.filesystem import FilesystemCollector
from agent.collectors.kernel import KernelCollector
from agent.collectors.memory import MemoryCollector
from agent.collectors.network import NetworkCollector
from agent.collectors.process import ProcessCollector
from agent.collectors.progress import ProgressCollector
from agent.collectors.systemd import SystemdCollector
from agent.config import Config
from agent.events import Journal
from agent.notify import notify
from agent.pages import Pages
from agent.registry import Collector, Registry
from agent.server import Server, listen
from agent.tls import server_context
from version import version

if TYPE_CHECKING:
    from agent.watched_devices import WatchedDevices

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 20.0
"""How long the first runs may take before the agent says that it is ready: as long as any collector may."""


def collectors(config: Config, agent_version: str) -> tuple[Collector, ...]:
    """Return every collector of a host."""
    certificates = tuple(dict.fromkeys((*config.certificates, config.tls.certificate)))
    return (
        CpuCollector(),
        MemoryCollector(),
        DiskCollector(),
        NetworkCollector(),
        KernelCollector(),
        ProcessCollector(agent_version),
        FilesystemCollector(),
        ClockCollector(),
        SystemdCollector(config.units),
        BackupCollector(config.state_directory / "backup"),
        ProgressCollector(config.state_directory / "backup" / "progress.json"),
        FactsCollector(config.facts),
        CertificateCollector(certificates),
        DrillCollector(config.power),
    )


def watched_devices(config: Config, journal: Journal) -> "WatchedDevices | None":
    """Return what asks other devices; None, and nothing of it imported, on a host that asks none."""
    if not config.polls:
        return None
    from agent.watched_devices import WatchedDevices  # noqa: PLC0415 - pysnmp and asyncio cost 20 MiB

    return WatchedDevices(config, journal)


def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT; raises AgentError when the agent cannot start."""
    context = server_context(config.tls, datetime.now(UTC))
    agent_version = version()
    listener = listen(config.listen, config.port)
    journal = Journal()
    devices = watched_devices(config, journal)
    more = (devices.collector,) if devices else ()
    registry = Registry((*collectors(config, agent_version), *more))
    pages = Pages(config, registry, journal, agent_version)
    server = Server(listener, context, config.allowed_clients, pages.answer)

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.stop()
        journal.close()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if devices:
        devices.start()
    registry.start()
    registry.settle(SETTLE_SECONDS)
    address, port = server.address
    logger.info("agent %s of %s listens on %s port %d", agent_version, config.host, address, port)
    notify("READY=1")
    try:
        server.serve()
    finally:
        notify("STOPPING=1")
        registry.stop()
        if devices:
            devices.stop()
    logger.info("agent of %s ended", config.host)
