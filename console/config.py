"""The console's configuration, ``/etc/xinglin/console.json``, typed and checked as a whole."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from console.configcheck import ConfigError, Reader
from console.notifications.plan import NO_NOTIFICATIONS, Notifications, read_notifications
from console.power.plan import NO_POWER, Device, PowerPlan, read_devices, read_power

__all__ = [
    "DEFAULT_PATH",
    "ConfigError",
    "ConsoleConfig",
    "Facility",
    "ManagedHost",
    "Policy",
    "TlsFiles",
    "load_config",
]

DEFAULT_PATH = Path("/etc/xinglin/console.json")
BROWSE_SOCKET = Path("/run/xinglin-browse/socket")


@dataclass(frozen=True)
class Facility:
    """The medical facility whose console this is."""

    id: str
    name_zh: str
    name_en: str
    timezone: str
    mlps_level: int
    locale: str
    demo_data: bool

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone that pages show."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True)
class ManagedHost:
    """A host whose agent the worker scrapes."""

    name: str
    address: str
    agent_port: int
    groups: tuple[str, ...]
    zone: str
    events: bool = False  # its agent tells events: a UPS's host, and the appliance, which polls the devices


@dataclass(frozen=True)
class Policy:
    """A backup policy and its targets.  ``schedule`` has local times of day, ``HH:MM``."""

    name: str
    hosts: tuple[str, ...]
    rpo_hours: float
    rto_hours: float
    schedule: tuple[str, ...]


@dataclass(frozen=True)
class TlsFiles:
    """The console's own certificate and the CA that signed every agent's."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True)
class ConsoleConfig:
    """Everything the console's processes need to know before they open the store."""

    facility: Facility
    hosts: tuple[ManagedHost, ...]
    policies: tuple[Policy, ...]
    scrape_interval_seconds: int
    tls: TlsFiles | None  # None: neither configured nor given by systemd; only the worker needs it
    state_directory: Path
    socket: Path
    public_url: str
    store_url: str
    browse_socket: Path = BROWSE_SOCKET
    notifications: Notifications = NO_NOTIFICATIONS
    power: PowerPlan = NO_POWER
    devices: tuple[Device, ...] = ()

    @property
    def appliance(self) -> str:
        """Return the name of the host that the console runs on."""
        return next((host.name for host in self.hosts if "appliance" in host.groups), self.facility.id)

    @property
    def audit_directory(self) -> Path:
        """Return the directory of the audit log, its seals and its keys."""
        return self.state_directory / "audit"

    @property
    def drill_directory(self) -> Path:
        """Return the directory in which the power daemon of this machine looks for requests: agent.power.request."""
        return self.state_directory.parent / "power" / "drill"

    @property
    def run_spool(self) -> Path:
        """Return the directory into which the runner puts its run records."""
        return self.state_directory / "spool" / "runs"


def load_config(path: Path = DEFAULT_PATH, environ: Mapping[str, str] = os.environ) -> ConsoleConfig:
    """Read and check ``path``.

    Raises ``ConfigError`` with all mistakes at once, each with its key, what is wrong and what is allowed.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            path, ("the file does not exist. Next: provision the appliance (xinglin provision)",)
        ) from None
    except PermissionError:
        raise ConfigError(path, ("this user may not read it. Next: run as root or as xinglin-console",)) from None
    except ValueError as error:
        raise ConfigError(path, (f"is not JSON: {error}. Next: provision the appliance again",)) from None
    reader = Reader(document, "")
    state_directory = Path(reader.text("state_directory", "/var/lib/xinglin/console"))
    config = ConsoleConfig(
        facility=_facility(reader.section("facility")),
        hosts=tuple(_host(item) for item in reader.items("hosts")),
        policies=tuple(_policy(item) for item in reader.items("policies")),
        scrape_interval_seconds=int(reader.number("scrape_interval_seconds", 5, 300, 15)),
        tls=_tls(reader, environ),
        state_directory=state_directory,
        socket=Path(reader.text("socket", "/run/xinglin-console/web.sock")),
        public_url=reader.text("public_url"),
        store_url=reader.text("store_url", f"sqlite:///{state_directory / 'console.db'}"),
        browse_socket=Path(reader.text("browse_socket", str(BROWSE_SOCKET))),
        notifications=read_notifications(reader),
        power=read_power(reader),
        devices=read_devices(reader),
    )
    names = [host.name for host in config.hosts]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reader.mistake("hosts", f"{name} is there twice", "each host once")
    for policy in config.policies:
        for name in sorted(set(policy.hosts) - set(names)):
            reader.mistake(
                "policies", f"{policy.name} names the unknown host {name}", ", ".join(names) or "no host yet"
            )
    if reader.mistakes:
        raise ConfigError(path, tuple(reader.mistakes))
    return config


def _facility(reader: Reader) -> Facility:
    return Facility(
        id=reader.text("id"),
        name_zh=reader.text("name_zh"),
        name_en=reader.text("name_en"),
        timezone=reader.timezone("timezone"),
        mlps_level=int(reader.number("mlps_level", 2, 3)),
        locale=reader.text("locale", "zh_CN"),
        demo_data=reader.flag("demo_data", default=False),
    )


def _host(reader: Reader) -> ManagedHost:
    return ManagedHost(
        name=reader.text("name"),
        address=reader.text("address"),
        agent_port=int(reader.number("agent_port", 1, 65535, 9633)),
        groups=reader.texts("groups"),
        zone=reader.text("zone", ""),
        events=reader.flag("events", default=False),
    )


def _policy(reader: Reader) -> Policy:
    return Policy(
        name=reader.text("name"),
        hosts=reader.texts("hosts"),
        rpo_hours=reader.number("rpo_hours", 0.01, 24 * 366),
        rto_hours=reader.number("rto_hours", 0.01, 24 * 366),
        schedule=reader.one_or_more("schedule"),
    )


def _tls(reader: Reader, environ: Mapping[str, str]) -> TlsFiles | None:
    if reader.has("tls"):
        tls = reader.section("tls")
        return TlsFiles(Path(tls.text("ca")), Path(tls.text("certificate")), Path(tls.text("key")))
    if directory := environ.get("CREDENTIALS_DIRECTORY"):
        credentials = Path(directory)
        return TlsFiles(credentials / "ca.crt", credentials / "host.crt", credentials / "host.key")
    return None
