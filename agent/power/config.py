"""The power daemon's configuration: ``/etc/xinglin/power.json``, rendered by the role ups on a UPS's host."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from agent.errors import AgentError
from agent.power.plan import Host, Limits, ReturnCheck, Stage, Ups

DEFAULT_PATH = Path("/etc/xinglin/power.json")
NEXT = "run the playbook ups.yml for this host, or name the file with --config"


@dataclass(frozen=True)
class Upsd:
    """This host's upsd.  ``server_name`` is in its certificate; None: no TLS (only upsd's own socket on localhost)."""

    address: str
    port: int
    user: str
    server_name: str | None


@dataclass(frozen=True)
class Config:
    """One UPS host's plan.  ``drill_seconds``: how long the simulated battery of a lab drill lasts, at least."""

    host: str
    upsd: Upsd
    state_directory: Path
    upses: tuple[Ups, ...]
    return_checks: tuple[ReturnCheck, ...]
    limits: Limits
    drill_seconds: float

    @property
    def records(self) -> Path:
        """Where the records lie."""
        return self.state_directory / "power"


def load_config(path: Path) -> Config:
    """Read and check ``path``.  Raises AgentError that names what is wrong."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AgentError(str(path), error.strerror or str(error), NEXT) from error
    except ValueError as error:
        raise AgentError(str(path), f"not JSON: {error}", NEXT) from error
    try:
        config = _config(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise AgentError(str(path), what, NEXT) from error
    mistakes = [mistake for ups in config.upses for mistake in _mistakes(ups)]
    if mistakes:
        raise AgentError(str(path), "; ".join(mistakes), "correct shutdown_stages in the facility, then " + NEXT)
    return config


def _config(data: Mapping[str, Any]) -> Config:
    host = str(data["host"])
    upsd = data["upsd"]
    return Config(
        host=host,
        upsd=Upsd(str(upsd["address"]), int(upsd["port"]), str(upsd["user"]), upsd.get("server_name")),
        state_directory=Path(data["state_directory"]),
        upses=tuple(_ups(item, host) for item in data["upses"]),
        return_checks=tuple(ReturnCheck(**item) for item in data["return_checks"]),
        limits=_limits(data.get("limits", {})),
        drill_seconds=float(data.get("drill_seconds", 300)),
    )


def _ups(data: Mapping[str, Any], own: str) -> Ups:
    stages = tuple(
        Stage(
            name=str(item["name"]),
            hosts=tuple(Host(**{**host, "mac": host.get("mac") or ""}) for host in item["hosts"]),
            below_seconds=float(item["below_seconds"]),
            takes_seconds=float(item["takes_seconds"]),
            latch=item["latch"],
        )
        for item in data["stages"]
    )
    return Ups(str(data["name"]), own, stages, bool(data["simulated"]), float(data["sync_seconds"]))


def _limits(data: Mapping[str, Any]) -> Limits:
    unknown = set(data) - {field.name for field in fields(Limits)}
    if unknown:
        raise ValueError(f"limits: unknown keys {', '.join(sorted(unknown))}")
    return Limits(**{name: float(value) for name, value in data.items()})


def _mistakes(ups: Ups) -> list[str]:
    """Return why this plan could not be kept."""
    if not ups.stages:
        return [f"{ups.name}: no stages"]
    found = []
    names = [host.name for host in ups.hosts]
    found += [f"{ups.name}: host {name} is in two stages" for name in sorted({n for n in names if names.count(n) > 1})]
    stages = [stage.name for stage in ups.stages]
    if len(set(stages)) != len(stages):
        found.append(f"{ups.name}: two stages have one name")
    if ups.own not in {host.name for host in ups.stages[-1].hosts}:
        found.append(f"{ups.name}: its own host {ups.own} must be in the last stage")
    found += [f"{ups.name}: stage {stage.name} has no latch" for stage in ups.stages[:-1] if not stage.latch]
    found += [
        f"{ups.name}: stage {stage.name}: below_seconds and takes_seconds must be more than 0"
        for stage in ups.stages
        if stage.below_seconds <= 0 or stage.takes_seconds <= 0
    ]
    if ups.stages[-1].latch:
        found.append(f"{ups.name}: the last stage goes with the UPS itself, not by a latch")
    return found
