"""The polled devices in the agent's configuration: keys ``snmp``, ``probes`` and ``nut``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.config_reader import ConfigReader
from agent.snmp.credentials import Credentials, read_credentials

KINDS = ("ups", "switch", "access_point", "gateway", "printer", "sensor", "camera", "medical", "other")
DEFAULT_INTERVAL_SECONDS = 30.0
SNMP_PORT = 161
TRAP_PORT = 162
NUT_PORT = 3493
ADDRESS = "an IP address"


@dataclass(frozen=True)
class SnmpDevice:
    """One device that is asked over SNMP."""

    name: str
    kind: str
    address: str
    port: int
    credentials: Credentials


@dataclass(frozen=True)
class TrapListener:
    """Where notifications are received (UDP)."""

    address: str
    port: int


@dataclass(frozen=True)
class SnmpConfig:
    """What the poller asks, how often, and where it listens for traps."""

    interval_seconds: float
    devices: tuple[SnmpDevice, ...]
    traps: TrapListener | None


@dataclass(frozen=True)
class ProbeTarget:
    """A device of which only the answer counts: on TCP port ``tcp``, or to an ICMP echo."""

    name: str
    kind: str
    address: str
    tcp: int | None


@dataclass(frozen=True)
class NutSource:
    """A UPS at a upsd; ``server_name`` is the name in its certificate."""

    ups: str
    address: str
    port: int
    server_name: str


def read_snmp(top: ConfigReader, environment: Mapping[str, str]) -> SnmpConfig | None:
    """Read key ``snmp``; the credentials come from systemd's credential ``snmp.json``."""
    reader = top.inner("snmp")
    if reader is None:
        return None
    interval = reader.seconds("interval_seconds", DEFAULT_INTERVAL_SECONDS, 1, 3600)
    known = _credentials(top.mistakes, environment)
    devices = [device for item in reader.items("devices") if (device := _device(item, known))]
    if known is not None:
        for name in sorted(set(known) - {device.name for device in devices}):
            top.mistakes.append(f"credentials snmp.json: {name}: no such device in snmp.devices")
    listener = reader.inner("traps")
    traps = None
    if listener is not None:
        traps = TrapListener(listener.address("listen"), listener.port("port", TRAP_PORT))
        listener.refuse_unknown(("listen", "port"))
    reader.refuse_unknown(("interval_seconds", "devices", "traps"))
    return SnmpConfig(interval, tuple(devices), traps)


def _credentials(mistakes: list[str], environment: Mapping[str, str]) -> dict[str, Credentials] | None:
    directory = environment.get("CREDENTIALS_DIRECTORY")
    if not directory:
        mistakes.append("snmp: systemd passed no credentials (LoadCredential=snmp.json:/etc/xinglin/secrets/snmp.json)")
        return None
    before = len(mistakes)
    found = read_credentials(Path(directory) / "snmp.json", mistakes)
    return found if len(mistakes) == before else None


def _device(reader: ConfigReader, known: Mapping[str, Credentials] | None) -> SnmpDevice | None:
    name, kind = reader.text("name"), reader.choice("kind", KINDS)
    address, port = reader.address("address", ADDRESS), reader.port("port", SNMP_PORT, lowest=1)
    reader.refuse_unknown(("name", "kind", "address", "port"))
    if known is None:
        return None
    if name and name not in known:
        reader.mistake("name", f"{name} has no credentials in snmp.json")
    return SnmpDevice(name, kind, address, port, known[name]) if name in known else None


def read_probes(top: ConfigReader) -> tuple[ProbeTarget, ...]:
    """Read key ``probes``."""
    probes = []
    for reader in top.items("probes"):
        tcp = reader.port("tcp", 1, lowest=1) if "tcp" in reader.data else None
        name, kind = reader.text("name"), reader.choice("kind", KINDS)
        probes.append(ProbeTarget(name, kind, reader.address("address", ADDRESS), tcp))
        reader.refuse_unknown(("name", "kind", "address", "tcp"))
    return tuple(probes)


def read_nut(top: ConfigReader) -> tuple[NutSource, ...]:
    """Read key ``nut``."""
    sources = []
    for reader in top.items("nut"):
        port = reader.port("port", NUT_PORT, lowest=1)
        address, server_name = reader.address("address", ADDRESS), reader.text("server_name")
        sources.append(NutSource(reader.text("ups"), address, port, server_name))
        reader.refuse_unknown(("ups", "address", "port", "server_name"))
    return tuple(sources)


def refuse_doubles(top: ConfigReader, snmp: SnmpConfig | None, probes: tuple[ProbeTarget, ...]) -> None:
    """Note names that two polled devices share: their metrics would mix.  A UPS may be read by SNMP and by NUT."""
    names = [device.name for device in (snmp.devices if snmp else ())] + [probe.name for probe in probes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        top.mistakes.append(f"snmp.devices, probes: {name} is there twice")
