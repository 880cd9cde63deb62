"""A store, a clinic with a UPS and a switch, and the alert core over routes of the test's own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from console.alerts.engine import Alerts
from console.alerts.rulebook import RuleBook, load_rules
from console.alerts.sender import Sender
from console.config import ConsoleConfig, ManagedHost
from console.power.plan import Device, PowerPlan, Ups
from console.store.incidents import AlertState, Incident
from tests.alerts.stand_in import StandInRoutes
from tests.clock import Clock
from tests.console.conftest import NOW, audit, clock, engine, sessions
from tests.console.fixture_config import console_config

__all__ = ["NOW", "audit", "clock", "engine", "sessions"]
Series = list[tuple[Mapping[str, str], float]]
Samples = dict[str, Series]


def clinic(directory: Path) -> ConsoleConfig:
    hosts = (
        ManagedHost("appliance1", "127.0.0.1", 9633, ("appliance",), "management", events=True),
        ManagedHost("his1", "127.0.0.2", 9633, ("his_database",), "servers"),
    )
    ups = Ups("rack-ups", "机柜 UPS", "appliance1", ("appliance1", "his1"), "dummy")
    switch = Device("sw-core", "核心交换机", "switch", "management", "198.18.0.2")
    return replace(console_config(directory, hosts, policies=()), power=PowerPlan((ups,)), devices=(switch,))


@pytest.fixture(scope="session")
def book() -> RuleBook:
    return load_rules()


@dataclass
class Desk:
    """The alert core with its clock and its routes."""

    config: ConsoleConfig
    sessions: sessionmaker[Session]
    clock: Clock
    book: RuleBook
    routes: StandInRoutes
    alerts: Alerts

    def restart(self) -> None:
        """Lose everything that was only in memory."""
        self.alerts = Alerts(self.config, self.book, self.sessions, self.routes, lambda: None)

    def scrape(self, samples: Samples | None, host: str = "appliance1", *, after: float = 15) -> None:
        """Let time pass, then take a scrape."""
        self.clock.moment += timedelta(seconds=after)
        self.alerts.take(host, samples, self.clock())

    def problems(self, after: float = 0) -> None:
        self.clock.moment += timedelta(seconds=after)
        self.alerts.judge_problems(self.clock())

    def send(self) -> None:
        sender = Sender(self.sessions, self.routes, self.clock, lambda: self.alerts.judge_deliveries(self.clock()))
        for route in self.routes.routes:
            sender.send_due(route.name)

    def incidents(self, rule: str | None = None) -> list[Incident]:
        with self.sessions() as session:
            found = session.scalars(select(Incident).order_by(Incident.id)).all()
        return [one for one in found if rule in {None, one.rule}]

    def open(self) -> list[str]:
        return [one.rule for one in self.incidents() if one.resolved_at is None]

    def phases(self) -> dict[str, str]:
        with self.sessions() as session:
            return {one.rule: one.phase for one in session.scalars(select(AlertState))}


@pytest.fixture
def desk(tmp_path: Path, sessions: sessionmaker[Session], clock: Clock, book: RuleBook) -> Desk:
    config, routes = clinic(tmp_path), StandInRoutes()
    return Desk(config, sessions, clock, book, routes, Alerts(config, book, sessions, routes, lambda: None))


def ups(*flags: str, up: float = 1, more: Samples | None = None) -> Samples:
    """Return what an agent shows of rack-ups, read by NUT, and of a switch that works."""
    labels = {"ups": "rack-ups", "source": "nut"}
    every = ("OL", "OB", "OB?", "LB", "RB", "NOBATT", "OVER", "BYPASS", "OFF", "COMMLOST")
    status: Series = [({**labels, "flag": flag}, float(flag in flags)) for flag in every]
    switch = {"device": "sw-core", "kind": "switch", "source": "snmp"}
    always: Samples = {"xinglin_ups_up": [(labels, up)], "xinglin_device_up": [(switch, 1.0)]}
    return {
        **always,
        **({"xinglin_ups_status": status} if up else {}),
        **(more or {}),
    }
