"""State of systemd units: of each one named in the configuration, of each failed one, and how many there are."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from agent.collectors.command import run_command

STATES = ("activating", "active", "deactivating", "failed", "inactive")
SHOW = ("systemctl", "show", "--property=LoadState,ActiveState,NRestarts", "--")
LIST = ("systemctl", "list-units", "--all", "--output=json", "--no-pager")


@dataclass(frozen=True)
class Unit:
    """One unit; ``restarts`` is None for what systemd never restarts by itself (timers, targets)."""

    name: str
    loaded: bool
    state: str
    restarts: int | None


def parse_show(names: tuple[str, ...], text: str) -> tuple[Unit, ...]:
    """Parse ``systemctl show`` of ``names``: one block a name, in that order."""
    units = []
    blocks = text.strip().split("\n\n")
    for name, block in zip(names, blocks, strict=True):
        values = dict(line.split("=", 1) for line in block.splitlines())
        restarts = values.get("NRestarts")
        loaded = values["LoadState"] not in {"not-found", "bad-setting", "error"}
        units.append(Unit(name, loaded, values["ActiveState"], None if restarts is None else int(restarts)))
    return tuple(units)


def parse_list(text: str) -> dict[str, str]:
    """Parse ``systemctl list-units --output=json`` into name → active state, of loaded units."""
    return {entry["unit"]: entry["active"] for entry in json.loads(text) if entry["load"] != "not-found"}


@dataclass(frozen=True)
class SystemdCollector:
    """Unit states as state sets, automatic restarts, and the number of units in each state."""

    units: tuple[str, ...]
    name: str = "systemd"
    interval_seconds: float = 30
    timeout_seconds: float = 20

    def collect(self) -> Iterable[Metric]:
        patience = self.timeout_seconds / 2
        named = parse_show(self.units, run_command((*SHOW, *self.units), patience)) if self.units else ()
        return list(families(named, parse_list(run_command(LIST, patience))))


def families(named: tuple[Unit, ...], all_units: dict[str, str]) -> Iterable[Metric]:
    """Return the families; a named unit that does not exist is in no state at all."""
    states = {unit.name: unit.state if unit.loaded else "" for unit in named}
    states |= {name: state for name, state in all_units.items() if state == "failed" and name not in states}
    unit_state = GaugeMetricFamily(
        "node_systemd_unit_state",
        "Systemd unit, from systemctl: 1 for its state; named units and failed ones.",
        labels=["name", "state"],
    )
    for name, current in states.items():
        for state in STATES:
            unit_state.add_metric([name, state], state == current)
    yield unit_state
    restarts = CounterMetricFamily(
        "node_systemd_service_restart", "Automatic restarts of a named service, from systemctl.", labels=["name"]
    )
    for unit in named:
        if unit.restarts is not None and unit.loaded:
            restarts.add_metric([unit.name], unit.restarts)
    yield restarts
    counts = Counter(all_units.values())
    totals = GaugeMetricFamily("node_systemd_units", "Number of units in each state, from systemctl.", labels=["state"])
    for state in STATES:
        totals.add_metric([state], counts[state])
    yield totals
