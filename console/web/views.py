"""Hosts as the pages show them: state, measurements with their level, problems in the page's language."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from console.hosts import shown_state
from console.i18n import N_
from console.problems import Problem
from console.rules.hosts import CERTIFICATE_CRIT, CERTIFICATE_WARN, DISK_CRIT, DISK_WARN
from console.rules.view import StoreView
from console.snapshot import Filesystem, Snapshot
from console.store.models import State
from console.web.context import _
from console.web.words import RANK


@dataclass(frozen=True)
class Told:
    """A problem in the page's language."""

    kind: str
    severity: str
    object: str
    host: str | None
    since: datetime | None
    title: str
    meaning: str
    next_step: str


def tell(problem: Problem, locale: str) -> Told:
    """Return a problem in ``locale``."""
    return Told(
        kind=problem.kind,
        severity=problem.severity.value,
        object=problem.object,
        host=problem.host,
        since=problem.since,
        title=problem.title.translate(locale),
        meaning=problem.meaning.translate(locale),
        next_step=problem.next_step.translate(locale),
    )


@dataclass(frozen=True)
class ShownCertificate:
    """A certificate with the state that its end gives it."""

    subject: str
    path: str
    not_after: datetime
    state: State
    word: str


@dataclass(frozen=True)
class HostView:
    """One host as a page shows it.  ``stale``: the measurements are old and must not look good."""

    name: str
    address: str
    groups: tuple[str, ...]
    zone: str
    state: State
    since: datetime | None
    last_seen: datetime | None
    agent_version: str | None
    maintenance: str | None
    stale: bool
    snapshot: Snapshot

    @property
    def fullest(self) -> Filesystem | None:
        """Return the file system with the largest used part."""
        return max(self.snapshot.filesystems, key=lambda item: item.used_ratio, default=None)

    @property
    def booted(self) -> datetime | None:
        """Return when the host started."""
        seconds = self.snapshot.boot_time
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    def level(self, ratio: float | None) -> State:
        """Return the colour of a meter: grey when stale, else by the thresholds that the rules use for disks."""
        if self.stale or ratio is None:
            return State.UNKNOWN
        return State.CRIT if ratio >= DISK_CRIT else State.WARN if ratio >= DISK_WARN else State.OK

    def certificates(self, now: datetime) -> list[ShownCertificate]:
        """Return the certificates, the one that ends first on top."""
        shown = []
        for item in sorted(self.snapshot.certificates, key=lambda one: one.not_after):
            ends = datetime.fromtimestamp(item.not_after, UTC)
            state, word = _validity(ends - now)
            shown.append(ShownCertificate(item.subject, item.path, ends, state, _(word)))
        return shown


def _validity(left: timedelta) -> tuple[State, str]:
    if left <= timedelta(0):
        return State.CRIT, N_("Expired")
    if left < CERTIFICATE_WARN:
        return State.CRIT if left < CERTIFICATE_CRIT else State.WARN, N_("Ends soon")
    return State.OK, N_("Valid")


def host_views(view: StoreView, now: datetime) -> list[HostView]:
    """Return every host of the configuration, worst first; one that the worker has not met yet is *unknown*."""
    rows = {row.name: row for row in view.hosts}
    shown = []
    for host in view.config.hosts:
        row = rows.get(host.name)
        state = State.UNKNOWN if row is None else shown_state(row, now, view.config.scrape_interval_seconds)
        shown.append(
            HostView(
                name=host.name,
                address=host.address,
                groups=host.groups,
                zone=host.zone,
                state=state,
                since=None if row is None else row.since,
                last_seen=None if row is None else row.last_seen,
                agent_version=None if row is None else row.agent_version,
                maintenance=None if row is None or state is not State.MAINT else row.maintenance_reason,
                stale=row is None or row.error_code is not None or state is State.UNKNOWN,
                snapshot=view.snapshots.get(host.name, Snapshot()),
            )
        )
    return sorted(shown, key=lambda item: (RANK.index(item.state), item.name))
