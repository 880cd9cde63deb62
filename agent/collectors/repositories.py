"""How the repositories on this server stand: what the keeper found, and the space that the watch measured."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from backup.status import Outcome, RepositoryState, SpaceState

LABELS = ("host", "kind")
DAY_SECONDS = 86400


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"xinglin_repository_{name}", meaning, labels=labels)


def repository_families(states: Sequence[RepositoryState]) -> Iterable[Metric]:
    """Return the families of the keeper's last rounds; ``host`` is the host whose backups a repository holds."""
    check = GaugeMetricFamily(
        "restic_check_success", "1 if the keeper's last check of the repository found nothing broken.", labels=LABELS
    )
    anomalies = _gauge("anomalies", "Anomalies of snapshots on which nobody has decided.", *LABELS, "code")
    plain = (
        ("size_bytes", "Size of the repository's files.", lambda one: one.size_bytes),
        ("snapshots", "Snapshots in the repository.", lambda one: one.snapshots),
        ("sets", "Sealed backup sets in the repository.", lambda one: one.sets),
        (
            "read_ratio",
            "Part of the data read back in this cycle, 0 to 1.",
            lambda one: one.parts_read / one.parts,
        ),
        ("broken_packs", "Damaged pack files that have not been healed.", lambda one: len(one.broken_packs)),
        ("set_aside_snapshots", "Snapshots that wait for their copy.", lambda one: len(one.set_aside)),
        ("retention_paused", "1 while retention waits for a decision.", lambda one: one.paused_since is not None),
    )
    families = [check, anomalies]
    for name, meaning, value in plain:
        family = _gauge(name, meaning, *LABELS)
        for state in states:
            family.add_metric([state.host, state.kind], value(state))
        families.append(family)
    for state in states:
        labels = [state.host, state.kind]
        if state.outcome is not Outcome.RUNNING:
            whole = state.outcome in {Outcome.SUCCESS, Outcome.WARNING} and not state.broken_packs
            check.add_metric(labels, whole)
        for code, count in sorted(Counter(one.code for one in state.anomalies).items()):
            anomalies.add_metric([*labels, code], count)
    return [*families, *_times(states)]


def _times(states: Sequence[RepositoryState]) -> Iterable[Metric]:
    kept = _gauge("kept_timestamp_seconds", "Unix time when the keeper's last round ended.", *LABELS)
    oldest = _gauge("oldest_set_timestamp_seconds", "Unix time of the oldest sealed backup set.", *LABELS)
    newest = _gauge("newest_set_timestamp_seconds", "Unix time of the newest sealed backup set.", *LABELS)
    read = _gauge("read_through_timestamp_seconds", "Unix time since which all data has been read back.", *LABELS)
    for state in states:
        moments: tuple[tuple[GaugeMetricFamily, datetime | None], ...] = (
            (kept, state.finished_at),
            (oldest, state.oldest_set_at),
            (newest, state.newest_set_at),
            (read, state.read_through_at),
        )
        for family, moment in moments:
            if moment is not None:
                family.add_metric([state.host, state.kind], moment.timestamp())
    return kept, oldest, newest, read


def space_families(space: SpaceState) -> Iterable[Metric]:
    """Return the families of the repositories' file system."""
    values: tuple[tuple[str, str, float | None], ...] = (
        ("space_timestamp_seconds", "Unix time when the watch last measured the space.", space.at.timestamp()),
        ("space_size_bytes", "Size of the repositories' file system.", space.total_bytes),
        ("space_free_bytes", "Free space of the repositories' file system.", space.free_bytes),
        ("space_ballast_bytes", "Space that the ballast file holds back; 0: given up.", space.ballast_bytes),
        (
            "space_growth_bytes_per_second",
            "Growth of the used space, from the last weeks.",
            None if space.growth_bytes_per_day is None else space.growth_bytes_per_day / DAY_SECONDS,
        ),
        (
            "space_full_after_seconds",
            "Time until the file system is full at this growth.",
            None if space.days_until_full is None else space.days_until_full * DAY_SECONDS,
        ),
    )
    for name, meaning, value in values:
        if value is not None:
            family = _gauge(name, meaning)
            family.add_metric([], value)
            yield family
    refused = _gauge("refused_delete_timestamp_seconds", "Unix time of the last deletion that was refused.", "host")
    for host in sorted({one.host for one in space.refused_deletes}):
        newest = max(one.at for one in space.refused_deletes if one.host == host)
        refused.add_metric([host], newest.timestamp())
    yield refused
