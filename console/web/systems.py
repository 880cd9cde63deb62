"""One system: a policy on a host, and how well its backups protect it, from the data to the vault."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from console.forecast import Forecast, restore_forecast
from console.problems import find_problems
from console.repository_texts import REPOSITORY_KINDS, WAL_KINDS
from console.rules.repositories import answering
from console.rules.view import SERVERS, PolicyView, Probe, StoreView
from console.rules.wal import any_point_until
from console.store.models import BackupRunRow, RepositoryRow, RepositorySize, SpaceRow, State, VerificationRow, WalRow
from console.web.nights import SHOWN_NIGHTS, Night, Rows, grouped, recent_proofs, recent_runs, weeks
from console.web.words import RANK

SIZE_DAYS = 60
# A progress that nobody has written for so long belongs to a run that died.
PROGRESS_FRESH = timedelta(minutes=10)
Sizes = tuple[tuple[date, int], ...]


@dataclass(frozen=True)
class Running:
    """A backup under way: its step, the done part of the step (None: not known), bytes of the step."""

    host: str
    policy: str
    run_id: str | None
    started_at: datetime | None
    step: str | None
    ratio: float | None
    done_bytes: float | None


@dataclass(frozen=True)
class Place:
    """One repository of a system's chain: the newest set there, and when it was last looked at, and how."""

    kind: str
    server: str | None
    newest: datetime | None
    row: RepositoryRow | None
    probe: Probe | None
    behind: bool = False

    @property
    def state(self) -> State:
        """Return the worst of what is known of it."""
        if self.row is None and self.newest is None:
            return State.UNKNOWN
        if (self.row is not None and self.row.broken_packs) or (self.probe and not self.probe.refused):
            return State.CRIT
        waits = self.row is not None and (self.row.set_aside or self.row.paused_since)
        return State.WARN if self.behind or waits else State.OK


@dataclass(frozen=True)
class System:
    """How well one policy protects one host.  Targets are seconds, sizes bytes."""

    view: PolicyView
    state: State
    problems: int
    last_run: Row[Any] | None
    forecast: Forecast | None
    wal: WalRow | None
    sizes: Sizes
    space: SpaceRow | None
    places: tuple[Place, ...]
    weeks: tuple[tuple[Night, ...], ...]

    @property
    def host(self) -> str:
        """The host."""
        return self.view.host

    @property
    def policy(self) -> str:
        """The policy."""
        return self.view.policy.name

    @property
    def last_good(self) -> BackupRunRow | None:
        """The newest run whose local backup is good."""
        return self.view.last_success

    @property
    def last_proved(self) -> VerificationRow | None:
        """The newest restore test from the local repository that passed: a restore will come from there."""
        return self.view.local.passed

    @property
    def rpo_target(self) -> float:
        """Accepted loss of work."""
        return self.view.policy.rpo_hours * 3600

    @property
    def rto_target(self) -> float:
        """Accepted time to come back."""
        return self.view.policy.rto_hours * 3600

    @property
    def any_point_until(self) -> datetime | None:
        """Until when the host's databases can be brought back to any point in time."""
        return None if self.wal is None else any_point_until(self.wal)

    def exposure_seconds(self, now: datetime) -> float | None:
        """Return how much work a loss of the host would cost now; None when nothing was ever backed up."""
        return None if self.last_good is None else (now - self.last_good.started_at).total_seconds()


def systems(session: Session, view: StoreView, now: datetime, host: str | None = None) -> list[System]:
    """Return one entry for each host of each policy, in the configuration's order."""
    zone = view.config.facility.zone
    since = now - timedelta(days=SHOWN_NIGHTS + 1)
    runs, proofs = grouped(recent_runs(session, since, host)), grouped(recent_proofs(session, since, host))
    severities_of = _severities(view, now)
    histories = sizes(session, now)
    found = []
    for policy in view.policies:
        if host not in {None, policy.host}:
            continue
        key = (policy.host, policy.policy.name)
        severities = severities_of.get("/".join(key), []) + severities_of.get(policy.host, [])
        places = _chain(view, policy)
        server = places[0].server or ""
        found.append(
            System(
                view=policy,
                state=min(severities, key=RANK.index, default=State.OK),
                problems=len(severities),
                last_run=next(iter(runs.get(key, ())), None),
                forecast=restore_forecast(policy.proofs, policy.policy.rto_hours * 3600, now),
                wal=view.wal(policy.host),
                sizes=histories.get((server, policy.host), ()),
                space=next((row for row in view.spaces if row.server == server), None),
                places=places,
                weeks=weeks(runs.get(key, []), proofs.get(key, []), policy.policy.schedule, now, zone),
            )
        )
    return found


def _severities(view: StoreView, now: datetime) -> dict[str, list[State]]:
    """Return how bad the problems of backups are, by policy (``host/policy``) and by repository (``host``)."""
    severities: dict[str, list[State]] = {}
    for problem in find_problems(view, now):
        if "/" in problem.object or problem.kind in REPOSITORY_KINDS | WAL_KINDS:
            severities.setdefault(problem.object, []).append(State(problem.severity.value))
    return severities


def _chain(view: StoreView, policy: PolicyView) -> tuple[Place, ...]:
    """Return the repositories of a policy, the local one first; a facility without a vault has one."""
    newest = {"local": policy.last_success, "offsite": policy.last_offsite}
    probes = {probe.repository: probe for probe in policy.probes}
    here, there = newest["local"], newest["offsite"]
    behind = here is not None and (there is None or there.started_at < here.started_at)
    places = []
    for kind in SERVERS:
        row = view.repository(policy.host, kind)
        servers = view.servers(kind)
        run = newest[kind]
        if kind == "offsite" and not servers and run is None and row is None:
            continue
        places.append(
            Place(
                kind=kind,
                server=row.server if row else next(iter(servers), None),
                newest=run.started_at if run else None,
                row=row,
                probe=probes.get(kind),
                behind=behind and kind == "offsite",
            )
        )
    return tuple(places)


def sizes(session: Session, now: datetime) -> dict[tuple[str, str], Sizes]:
    """Return the sizes of the last days by server and host, the oldest first."""
    first = (now - timedelta(days=SIZE_DAYS)).astimezone(UTC).date()
    query = (
        select(RepositorySize.server, RepositorySize.host, RepositorySize.day, RepositorySize.size_bytes)
        .where(RepositorySize.day >= first)
        .order_by(RepositorySize.day)
    )
    found: dict[tuple[str, str], list[tuple[date, int]]] = {}
    for server, host, day, size in session.execute(query):
        found.setdefault((server, host), []).append((day, size))
    return {key: tuple(rows) for key, rows in found.items()}


def under_way(view: StoreView, runs: Rows, now: datetime) -> list[Running]:
    """Return the backups that run now: what the hosts' agents show, and runs without an end on hosts that answer."""
    current = answering(view, now)
    open_runs = {(run.host, run.policy): run for run in reversed(runs) if run.outcome == "running"}
    found = []
    for policy in view.policies:
        key = (policy.host, policy.policy.name)
        snapshot = view.snapshots.get(policy.host)
        progress = snapshot.progress if snapshot else None
        if progress is not None and (
            progress.policy != key[1] or now.timestamp() - progress.updated_at > PROGRESS_FRESH.total_seconds()
        ):
            progress = None
        run = open_runs.get(key)
        if policy.host not in current or (progress is None and run is None):
            continue
        found.append(
            Running(
                host=key[0],
                policy=key[1],
                run_id=run.run_id if run else None,
                started_at=run.started_at if run else None,
                step=progress.step if progress else None,
                ratio=progress.ratio if progress else None,
                done_bytes=progress.done_bytes if progress else None,
            )
        )
    return found


def curve(values: Sequence[float], width: int = 100, height: int = 24) -> str:
    """Return the points of a small line chart from 0 (bottom) to the largest value, for an SVG ``polyline``."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    step = width / (len(values) - 1)
    return " ".join(
        f"{number * step:.1f},{height - 2 - (height - 4) * (value - low) / span:.1f}"
        for number, value in enumerate(values)
    )
