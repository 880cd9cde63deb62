"""The agent's configuration: ``/etc/xinglin/agent.json``, rendered by the playbook."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.config_reader import ConfigReader
from agent.errors import AgentError
from agent.polled import NutSource, ProbeTarget, SnmpConfig, read_nut, read_probes, read_snmp, refuse_doubles

DEFAULT_PATH = Path("/etc/xinglin/agent.json")
DEFAULT_PORT = 9633
DEFAULT_STATE_DIRECTORY = Path("/var/lib/xinglin")
KEYS = (
    "host", "listen", "port", "allowed_clients", "tls", "units", "certificates", "state_directory",
    "snmp", "probes", "nut",
)  # fmt: skip
TLS_FILES = {"ca": "ca.crt", "certificate": "host.crt", "key": "host.key"}


@dataclass(frozen=True)
class Tls:
    """PEM files: the CA that clients must come from, and this host's own certificate and key."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Config:
    """One host's agent: where it listens, who may ask, what it watches beside the host itself."""

    host: str
    listen: str
    port: int
    allowed_clients: frozenset[str]
    tls: Tls
    units: tuple[str, ...]
    certificates: tuple[Path, ...]
    state_directory: Path
    snmp: SnmpConfig | None = None
    probes: tuple[ProbeTarget, ...] = ()
    nut: tuple[NutSource, ...] = ()

    @property
    def facts(self) -> Path:
        """The file that the root-side gatherer writes."""
        return self.state_directory / "facts.json"

    @property
    def boot(self) -> Path:
        """The host's report of its last boot."""
        return self.power / "boot.json"

    @property
    def power(self) -> Path:
        """Where the records of power cuts and drills lie, on a UPS's host."""
        return self.state_directory / "power"

    @property
    def polls(self) -> bool:
        """Whether this host asks other devices at all."""
        return bool(self.snmp or self.probes or self.nut)


def load_config(path: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Read and check ``path``; ``environment`` gives systemd's ``CREDENTIALS_DIRECTORY``: TLS defaults, SNMP's secrets.

    Raises AgentError that names every mistake in the file at once.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        next_step = "run the playbook's role 'agent' for this host, or name the file with --config"
        raise AgentError(str(path), error.strerror or str(error), next_step) from error
    except ValueError as error:
        raise AgentError(str(path), f"not JSON: {error}", "run the playbook's role 'agent' for this host") from error
    if not isinstance(data, dict):
        raise AgentError(str(path), "not a JSON object", "run the playbook's role 'agent' for this host")
    reader = ConfigReader(data)
    tls = _tls(reader, environment)
    config = Config(
        host=reader.text("host"),
        listen=reader.address("listen"),
        port=reader.port("port", DEFAULT_PORT),
        allowed_clients=frozenset(reader.texts("allowed_clients", required=True)),
        tls=tls,
        units=reader.texts("units"),
        certificates=tuple(Path(item) for item in reader.texts("certificates")),
        state_directory=Path(reader.text("state_directory", str(DEFAULT_STATE_DIRECTORY))),
        snmp=read_snmp(reader, environment),
        probes=read_probes(reader),
        nut=read_nut(reader),
    )
    refuse_doubles(reader, config.snmp, config.probes)
    reader.refuse_unknown(KEYS)
    if reader.mistakes:
        raise AgentError(
            str(path), "; ".join(reader.mistakes), "correct these keys, then restart xinglin-agent.service"
        )
    return config


def _tls(reader: ConfigReader, environment: Mapping[str, str]) -> Tls:
    given = reader.data.get("tls", {})
    if not isinstance(given, dict) or not all(isinstance(value, str) and value for value in given.values()):
        reader.mistakes.append("tls: must be an object of file paths")
        given = {}
    unknown = sorted(set(given) - set(TLS_FILES))
    if unknown:
        reader.mistakes.append(f"tls: unknown keys {', '.join(unknown)} (allowed: {', '.join(TLS_FILES)})")
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    files = {}
    for key, name in TLS_FILES.items():
        if key in given:
            files[key] = Path(given[key])
        elif credentials:
            files[key] = Path(credentials) / name
        else:
            reader.mistakes.append(f"tls.{key}: missing, and systemd passed no credentials (LoadCredential={name}:…)")
            files[key] = Path(name)
    return Tls(**files)
