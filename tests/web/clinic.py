"""The invented clinic 清河镇卫生院 in a store, filled through the worker's own code: scrapes, facts, backups, runs."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast
from unittest.mock import patch

from sqlalchemy.orm import Session, sessionmaker

from backup.status import format_time
from console.config import ConsoleConfig, Facility, ManagedHost, Policy
from console.history import Writer, forget_old, roll_up
from console.store.database import sqlite_url
from console.store.models import WorkerPulse
from console.worker.backups import ingest_backups
from console.worker.digest import Counters, digest
from console.worker.exposition import PageParser
from console.worker.fetch import ErrorCode, Fetcher, FetchError
from console.worker.ingest import assess, ingest_facts
from console.worker.round import Round
from console.worker.series import points
from console.worker.spool import ingest_spool
from tests.web import electricity, nightly, provisioning, repositories
from tests.web.pages import GIB, UP, Machine, page

FACTS = Path(__file__).parent.parent / "compliance" / "data"
INTERVAL = 15
STEP = 15.0
Machines = tuple[Machine, ...]
MACHINES = (
    Machine("appliance1", memory=16 * GIB, disks={"/": (120 * GIB, 0.24), "/var/lib/xinglin": (900 * GIB, 0.41)}),
    Machine(
        "his1",
        system="Debian GNU/Linux 12 (bookworm)",
        kernel="6.1.0-41-amd64",
        cores=8,
        memory=32 * GIB,
        disks={"/": (100 * GIB, 0.38), "/var/lib/postgresql": (400 * GIB, 0.52)},
        busy=0.75,
    ),
    Machine(
        "pacs1",
        memory=16 * GIB,
        disks={"/": (100 * GIB, 0.33), "/srv/images": (4000 * GIB, 0.872)},
        busy=0.45,
        progress=("pacs", "backup", 0.62, 256 * GIB),
    ),
    Machine("vault1", cores=2, memory=4 * GIB, disks={"/": (2000 * GIB, 0.29)}, busy=0.08),
    Machine("desk1", cores=2, memory=8 * GIB, busy=0.25),
)
GROUPS = {
    "appliance1": ("appliance",),
    "his1": ("his_database", "his_application"),
    "pacs1": ("pacs",),
    "vault1": ("offsite",),
    "desk1": ("workstations",),
}
FACT_FILES = {
    "appliance1": "debian13-default",
    "his1": "debian12-hardened",
    "pacs1": "debian13-default",
    "vault1": "debian13-default",
}
DESK_OFF_SINCE = timedelta(minutes=24)


def configuration(state_directory: Path, machines: Machines = MACHINES) -> ConsoleConfig:
    """Return the configuration that the playbook would write for this clinic."""
    numbers = {"vault1": 70}
    names = {machine.name for machine in machines}
    policies = (
        Policy("his", ("his1",), rpo_hours=24, rto_hours=4, schedule=("02:00",)),
        Policy("pacs", ("pacs1",), rpo_hours=24, rto_hours=8, schedule=("02:30",)),
        Policy("appliance", ("appliance1",), rpo_hours=24, rto_hours=4, schedule=("03:00",)),
    )
    return ConsoleConfig(
        facility=Facility("qinghe", "清河镇卫生院", "Qinghe Township Health Centre", "Asia/Shanghai", 2, "zh_CN", True),
        hosts=tuple(
            ManagedHost(
                machine.name,
                f"198.18.0.{numbers.get(machine.name, 10 + index)}",
                9633,
                GROUPS.get(machine.name, ("workstations",)),
                "offsite" if machine.name == "vault1" else "servers",
            )
            for index, machine in enumerate(machines)
        ),
        policies=tuple(policy for policy in policies if set(policy.hosts) <= names),
        scrape_interval_seconds=INTERVAL,
        tls=None,
        state_directory=state_directory,
        socket=state_directory / "web.sock",
        public_url="https://198.18.0.10:8443",
        store_url=sqlite_url(state_directory),
        power=electricity.POWER,
        devices=electricity.DEVICES,
    )


@dataclass
class Agents:
    """Answers for the agents, at the moment that the clock shows."""

    machines: dict[str, Machine]
    clock: Callable[[], datetime]
    started: datetime
    off: dict[str, datetime]

    def get(self, host: ManagedHost, _path: str) -> bytes:
        """Return the page of a host, or raise as the real fetcher does."""
        moment = self.clock()
        if host.name in self.off and moment >= self.off[host.name]:
            raise FetchError(ErrorCode.TIMED_OUT, "no answer within 8 s")
        metrics = page(self.machines[host.name], moment, (moment - self.started).total_seconds(), even=self.started)
        return metrics + electricity.page(host.name, moment)


def before(counters: Counters) -> Counters:
    """Return the counters of a host that has run evenly, ``STEP`` seconds earlier."""
    share = UP / (UP + STEP)
    values = {field.name: getattr(counters, field.name) for field in fields(counters)}
    even = {name: value * share for name, value in values.items() if name not in {"at", "boot_time"}}
    return replace(counters, at=counters.at - STEP, **even)


def write_history(sessions: sessionmaker[Session], machines: Machines, now: datetime, days: int) -> None:
    """Write ``days`` of history: hours from coarse minutes, the last two days every 5 minutes, 2 hours every minute."""
    writer = Writer()
    start = now - timedelta(days=days)
    moments = [start + timedelta(hours=step) for step in range((days - 2) * 24)]
    moments += [now - timedelta(hours=48) + timedelta(minutes=5 * step) for step in range(46 * 12)]
    moments += [now - timedelta(hours=2) + timedelta(minutes=step) for step in range(119)]
    parsers = {machine.name: PageParser() for machine in machines}
    for chunk in range(0, len(moments), 144):
        with sessions.begin() as session:
            for moment in moments[chunk : chunk + 144]:
                for machine in machines:
                    samples = parsers[machine.name].parse(page(machine, moment, STEP).decode())
                    shown = digest(samples, 0.0, before(digest(samples, 0.0, None).counters)).snapshot
                    values = [(one.name, one.label, one.value) for one in points(shown, 0.02)]
                    writer.write(session, machine.name, moment, values)
            roll_up(session, moments[min(chunk + 143, len(moments) - 1)] + timedelta(hours=1))
    with sessions.begin() as session:
        roll_up(session, now)
        forget_old(session, now)


def scrape(config: ConsoleConfig, sessions: sessionmaker[Session], machines: Machines, now: datetime) -> None:
    """Let the worker's rounds look at the hosts; desk1 was switched off a while ago."""
    moment = now
    known = {machine.name: machine for machine in machines}
    agents = Agents(known, lambda: moment, now - timedelta(hours=1), {"desk1": now - DESK_OFF_SINCE})
    rounds = Round(config, cast("Fetcher", agents), sessions)
    try:
        for back in (3000, 2985, 2970, 1440, 1425, 600, 585, 570, 45, 30, 15, 2):
            moment = now - timedelta(seconds=back)
            with patch("console.worker.round.utc_now", agents.clock):
                rounds.run()
    finally:
        rounds.close()


def take_facts(config: ConsoleConfig, sessions: sessionmaker[Session], now: datetime) -> None:
    """Give the worker each host's recorded facts and its nights, as ``/facts`` brings them."""
    gathered = now - timedelta(minutes=6)
    for name, file in FACT_FILES.items():
        if name not in {host.name for host in config.hosts}:
            continue
        text = (FACTS / f"{file}.json").read_text(encoding="utf-8")
        facts = json.loads(text)
        facts |= {"host": name, "gathered_at": format_time(gathered)}
        for probe in facts["probes"]:
            probe["at"] = format_time(gathered)
        with sessions.begin() as session:
            ingest_facts(session, name, facts, now)
            assess(session, name, facts, config.facility.mlps_level, now)
    for policy in config.policies:
        for host in policy.hosts:
            with sessions.begin() as session:
                ingest_backups(session, host, nightly.history(policy, host, now, 35), now)


def take_repositories(config: ConsoleConfig, sessions: sessionmaker[Session], now: datetime) -> None:
    """Give the worker what the repository servers report."""
    hosts = {host for policy in config.policies for host in policy.hosts}
    for server in repositories.SERVERS:
        if server in {host.name for host in config.hosts}:
            with sessions.begin() as session:
                ingest_backups(session, server, repositories.report(server, sorted(hosts), now), now)


def take_runs(config: ConsoleConfig, sessions: sessionmaker[Session], now: datetime) -> None:
    """Put run records into the spool and let the worker take them in."""
    config.run_spool.mkdir(parents=True, exist_ok=True)
    hosts = tuple(host.name for host in config.hosts if host.name != "desk1")
    for back, changed, check, failed in (
        (timedelta(days=9), frozenset(role for role, _name, _action in provisioning.TASKS), False, None),
        (timedelta(days=6), frozenset({"base"}), False, "pacs1" if "pacs1" in hosts else None),
        (timedelta(days=6) - timedelta(minutes=25), frozenset({"agent"}), False, None),
        (timedelta(hours=20), frozenset({"firewall"}), True, None),
        (timedelta(hours=3), frozenset({"base"}), False, None),
    ):
        run_id, text = provisioning.record(now - back, hosts, changed, check=check, failed=failed)
        (config.run_spool / f"{run_id}.json").write_text(text, encoding="utf-8")
    ingest_spool(sessions, config.run_spool, now)


def fill(config: ConsoleConfig, sessions: sessionmaker[Session], now: datetime, machines: Machines = MACHINES) -> None:
    """Fill an empty, migrated store."""
    write_history(sessions, machines, now, days=7)
    scrape(config, sessions, machines, now)
    take_facts(config, sessions, now)
    take_repositories(config, sessions, now)
    take_runs(config, sessions, now)
    electricity.fill(sessions, now)
    with sessions.begin() as session:
        beat = now - timedelta(seconds=3)
        session.merge(WorkerPulse(id=1, pid=431, started_at=now - timedelta(days=2), beat_at=beat))
