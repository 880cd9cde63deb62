"""A store, a clinic with a UPS and a switch, and the alert core over routes of the test's own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from console.alerts.engine import Alerts
from console.alerts.rulebook import RuleBook, load_rules
from console.alerts.sender import Sender
from console.audit.log import AuditLog
from console.config import ConsoleConfig, ManagedHost
from console.power.plan import Device, PowerPlan, Ups
from console.store.database import open_engine, session_factory, sqlite_url
from console.store.incidents import AlertState, Incident
from console.store.migrate import migrate
from tests.alerts.stand_in import StandInRoutes
from tests.clock import Clock
from tests.console.fixture_config import console_config

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
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


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(sqlite_url(tmp_path))
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    return session_factory(engine)


@pytest.fixture
def audit(tmp_path: Path, clock: Clock) -> AuditLog:
    return AuditLog(tmp_path / "audit", now=clock, mono=lambda: 1)


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
