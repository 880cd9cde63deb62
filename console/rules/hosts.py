"""Problems of hosts: what their snapshots show, and whether they report at all."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from console.config import ConsoleConfig
from console.hosts import shown_state
from console.i18n import Text
from console.rules.problem import Problem, Severity, problem
from console.rules.say import local_time, size
from console.rules.view import StoreView
from console.snapshot import Certificate, Filesystem, Snapshot
from console.store.hosts import HostState, State
from console.texts import REACH

DISK_WARN, DISK_CRIT = 0.85, 0.95
CLOCK_WARN_SECONDS, CLOCK_CRIT_SECONDS = 0.5, 5.0
CERTIFICATE_WARN, CERTIFICATE_CRIT = timedelta(days=30), timedelta(days=7)
# A failed database means that the clinic cannot work; other services are told as warnings.
VITAL_UNITS = ("postgresql", "mariadb", "mysql")
# What the backup rules tell better, with the cause.
BACKUP_UNITS = ("xinglin-backup", "xinglin-verify")


def host_problems(host: str, snapshot: Snapshot, now: datetime, zone: ZoneInfo) -> Iterator[Problem]:
    """Yield what the newest snapshot of a host shows.  ``since`` is not known here: None."""
    for filesystem in snapshot.filesystems:
        yield from _disk(host, filesystem)
    for unit in snapshot.failed_units:
        if not unit.startswith(BACKUP_UNITS):
            severity = Severity.CRIT if unit.startswith(VITAL_UNITS) else Severity.WARN
            yield problem("unit_failed", severity, unit, None, host=host)
    yield from _clock(host, snapshot)
    for certificate in snapshot.certificates:
        yield from _certificate(host, certificate, now, zone)
    for collector in snapshot.failed_collectors:
        yield problem("collector_failed", Severity.WARN, collector, None, host=host)


def reach_problems(view: StoreView, row: HostState, now: datetime) -> Iterator[Problem]:
    """Yield the problem of a host that does not report, or whose facts do not arrive."""
    config = view.config
    state = shown_state(row, now, config.scrape_interval_seconds)
    zone = config.facility.zone
    values = {
        "last_seen": local_time(row.last_seen, zone),
        "address": address(config, row),
        "detail": row.last_error or "-",
    }
    since = row.failing_since or row.since
    if state is State.MAINT:
        return
    if row.error_code is not None and state in {State.CRIT, State.LATE}:
        severity = Severity.CRIT if state is State.CRIT else Severity.WARN
        kind = "host_down" if state is State.CRIT else "host_late"
        found = problem(kind, severity, row.name, since, host=row.name, values=values)
        texts = REACH.get(row.error_code)
        if texts is not None and state is State.CRIT:
            filled = found.title.values
            found = Problem(
                kind=f"host_{row.error_code}",
                severity=severity,
                object=row.name,
                since=since,
                title=Text(texts.title, filled),
                meaning=Text(texts.meaning, filled),
                next_step=Text(texts.next_step, filled),
                host=row.name,
            )
        yield found
    elif row.last_seen is None and row.last_attempt is not None and state is State.UNKNOWN:
        yield problem("host_unknown", Severity.WARN, row.name, row.since, host=row.name)
    elif row.facts_error is not None:
        detail = {"detail": row.facts_error}
        failing = row.facts_failing_since
        yield problem("facts_unreadable", Severity.WARN, row.name, failing, host=row.name, values=detail)


def address(config: ConsoleConfig, row: HostState) -> str:
    """Return where a host's agent listens, for people."""
    ports = {host.name: host.agent_port for host in config.hosts}
    return f"{row.address}:{ports.get(row.name, 9633)}"


def _disk(host: str, filesystem: Filesystem) -> Iterator[Problem]:
    if filesystem.read_only:
        if filesystem.fstype != "iso9660":
            yield problem("disk_read_only", Severity.CRIT, filesystem.mountpoint, None, host=host)
        return
    used = filesystem.used_ratio
    if used >= DISK_WARN:
        severity = Severity.CRIT if used >= DISK_CRIT else Severity.WARN
        values = {"used": f"{used:.0%}", "available": size(filesystem.available_bytes)}
        yield problem("disk_nearly_full", severity, filesystem.mountpoint, None, host=host, values=values)


def _clock(host: str, snapshot: Snapshot) -> Iterator[Problem]:
    offset = snapshot.clock_offset_seconds
    if offset is not None and abs(offset) >= CLOCK_WARN_SECONDS:
        severity = Severity.CRIT if abs(offset) >= CLOCK_CRIT_SECONDS else Severity.WARN
        yield problem("clock_off", severity, host, None, host=host, values={"offset": f"{offset:+.1f}"})
    elif snapshot.clock_synchronised is False:
        yield problem("clock_unsynchronised", Severity.WARN, host, None, host=host)


def _certificate(host: str, certificate: Certificate, now: datetime, zone: ZoneInfo) -> Iterator[Problem]:
    ends = datetime.fromtimestamp(certificate.not_after, UTC)
    values = {"ends": local_time(ends, zone)}
    if ends <= now:
        yield problem("certificate_ended", Severity.CRIT, certificate.path, ends, host=host, values=values)
    elif ends - now < CERTIFICATE_WARN:
        severity = Severity.CRIT if ends - now < CERTIFICATE_CRIT else Severity.WARN
        since = ends - CERTIFICATE_WARN
        yield problem("certificate_expiring", severity, certificate.path, since, host=host, values=values)
