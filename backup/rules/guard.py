"""Notices nights that do not look like the nights before: ransomware, a faked snapshot, a wrong clock.

Pure: the snapshots of one policy with restic's own numbers go in, anomalies come out.  The host asks after each run,
the keeper before retention may remove a good snapshot.  The thresholds are those of the ransomware drill: 6 000 of
20 000 files encrypted took the unmodified files down by 30 % and the compression ratio from 5.2 to 1.03.
"""

import itertools
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from backup.repositories.repository import Snapshot, Summary
from backup.rules.guard_times import SKEW, burst, odd_time
from backup.rules.guard_words import CHANGED, DELETED, GROWN, RANDOM_DUMP, RANDOM_FILES, SHRUNK, TYPES, size
from backup.status import Anomaly

NIGHTS = 14
"""With how many nights before it a night is compared."""
MIN_NIGHTS = 3
"""So many nights make a habit; before that only what is drastic is told."""
MIN_FILES = 100
MIN_ADDED_BYTES = 10_000_000
MIN_GROWTH_BYTES = 100_000_000
MIN_DUMP_BYTES = 100_000
CHANGED_SHARE = 0.10
CHANGED_SHARE_FIRST_NIGHTS = 0.30
HABIT_FACTOR = 3.0
"""A policy whose files change a lot every night is only told when three times as many do."""
TOUCHED_FACTOR = 20.0
GROWTH_SHARE = 0.25
GROWTH_FACTOR = 10.0
INCOMPRESSIBLE = 1.1
COMPRESSIBLE = 1.3
STREAM_SHARE = 0.10
DUMP_SHRUNK_TO = 0.5
TOP_EXTENSIONS = 40
OTHER = "*"


@dataclass(frozen=True)
class Night:
    """One sealed set: the snapshot that seals it, and the dumps of the same run by their path."""

    seal: Snapshot
    dumps: Mapping[str, Snapshot] = field(default_factory=dict)

    @property
    def summaries(self) -> list[Summary]:
        """restic's numbers of all its snapshots that have them."""
        return [item.summary for item in (self.seal, *self.dumps.values()) if item.summary]

    @property
    def bytes_added(self) -> int:
        """What the night brought that no night before had, before compression."""
        return sum(summary.bytes_added for summary in self.summaries)

    @property
    def bytes_processed(self) -> int:
        """What the night read."""
        return sum(summary.bytes_processed for summary in self.summaries)


def find(
    snapshots: Sequence[Snapshot],
    *,
    now: datetime,
    fresh: Collection[str],
    extensions: Mapping[str, Mapping[str, int]] | None = None,
) -> list[Anomaly]:
    """Return what is odd about the ``fresh`` snapshots (ids) of one policy, oldest first.

    ``snapshots`` are all of that policy.  ``extensions`` has the ``table`` of file extensions of those sealing
    snapshots (by id) of which it is known: it tells a change of file types.
    """
    found = [anomaly for item in snapshots if item.id in fresh for anomaly in _times(item, snapshots, now, fresh)]
    nights = _nights([item for item in snapshots if item.time <= now + SKEW])
    for number, night in enumerate(nights):
        if night.seal.id not in fresh:
            continue
        earlier = [other for other in nights[:number] if other.seal.paths == night.seal.paths][-NIGHTS:]
        for code, detail in itertools.chain(
            _files(night, earlier),
            _growth(night, earlier),
            _dumps(night, nights[max(0, number - NIGHTS) : number]),
            _types(night, earlier, extensions or {}),
        ):
            found.append(_anomaly(code, night.seal, detail))
    newest = next((night.seal for night in reversed(nights) if night.seal.id in fresh), None)
    if newest and (words := burst([night.seal.time for night in nights], newest.time)):
        found.append(_anomaly("many_snapshots", newest, words))
    return sorted(found, key=lambda item: item.at)


def extension(name: str) -> str:
    """Return a file name's extension in lower case with its dot, ``""`` without one."""
    stem, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if dot and stem and len(ending) <= 16 else ""


def table(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts of extensions as a small table: the 40 most frequent, the rest as ``*``."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in ordered[TOP_EXTENSIONS:])
    return dict(ordered[:TOP_EXTENSIONS]) | ({OTHER: rest} if rest else {})


def _anomaly(code: str, snapshot: Snapshot, detail: str) -> Anomaly:
    return Anomaly(code, snapshot.tag("policy") or "", snapshot.id, snapshot.time, detail)


def _nights(snapshots: Sequence[Snapshot]) -> list[Night]:
    dumps: dict[str | None, dict[str, Snapshot]] = {}
    for item in snapshots:
        if item.tag("kind") == "dump" and item.paths:
            dumps.setdefault(item.tag("run"), {})[item.paths[0]] = item
    seals = sorted((item for item in snapshots if item.tag("kind") == "set"), key=lambda item: item.time)
    return [Night(seal, dumps.get(seal.tag("run"), {})) for seal in seals]


def _times(
    snapshot: Snapshot, snapshots: Sequence[Snapshot], now: datetime, fresh: Collection[str]
) -> Iterable[Anomaly]:
    # The log of a database is stored beside a run that takes long, and is there before it.
    known = [
        item.time
        for item in snapshots
        if item.id not in fresh and item.time <= now + SKEW and not item.original and item.tag("run")
    ]
    if detail := odd_time(snapshot, now, max(known, default=None)):
        yield _anomaly("odd_time", snapshot, detail)


def _change(summary: Summary, before: Summary) -> tuple[float, float] | None:
    """Return which shares of the files of ``before`` were replaced and deleted; None when restic had no parent.

    A file that is renamed is gone and new, so new files stand for gone ones first.
    """
    if before.files_processed == 0 or summary.files_changed + summary.files_unmodified == 0:
        return None
    gone = max(0, before.files_processed - summary.files_changed - summary.files_unmodified)
    renamed = min(summary.files_new, gone)
    return (summary.files_changed + renamed) / before.files_processed, (gone - renamed) / before.files_processed


def _files(night: Night, earlier: Sequence[Night]) -> Iterable[tuple[str, str]]:
    """Tell a mass change or deletion, and files that are suddenly as random as encrypted ones."""
    summary = night.seal.summary
    before = [item.seal.summary for item in earlier if item.seal.summary]
    if not summary or not before:
        return
    change = _change(summary, before[-1])
    habits = [found for one, two in itertools.pairwise(before) if (found := _change(two, one))]
    if change:
        for code, position, words in (("mass_change", 0, CHANGED), ("mass_deletion", 1, DELETED)):
            share, files = change[position], change[position] * before[-1].files_processed
            usual = statistics.median([habit[position] for habit in habits]) if habits else 0.0
            least = CHANGED_SHARE if len(before) >= MIN_NIGHTS else CHANGED_SHARE_FIRST_NIGHTS
            if files >= MIN_FILES and share > max(least, HABIT_FACTOR * usual):
                values = {"files": f"{files:.0f}", "all": before[-1].files_processed}
                yield code, words.format(**values, share=f"{share:.0%}", usual=f"{usual:.0%}")
    touched = summary.files_new + summary.files_changed
    usual_touched = statistics.median([item.files_new + item.files_changed for item in before])
    if touched >= MIN_FILES and touched > TOUCHED_FACTOR * max(1.0, usual_touched):
        yield from _incompressible(None, summary, before)


def _incompressible(path: str | None, summary: Summary, before: Sequence[Summary]) -> Iterable[tuple[str, str]]:
    ratios = [_ratio(item) for item in before if item.bytes_added_packed]
    if not ratios or summary.bytes_added < MIN_ADDED_BYTES:
        return
    usual = statistics.median(ratios)
    if _ratio(summary) < INCOMPRESSIBLE and usual >= COMPRESSIBLE:
        values = {"size": size(summary.bytes_added), "ratio": f"{_ratio(summary):.2f}", "usual": f"{usual:.1f}"}
        yield (
            "incompressible",
            RANDOM_FILES.format(**values) if path is None else RANDOM_DUMP.format(path=path, **values),
        )


def _ratio(summary: Summary) -> float:
    return summary.bytes_added / max(1, summary.bytes_added_packed)


def _growth(night: Night, earlier: Sequence[Night]) -> Iterable[tuple[str, str]]:
    """Tell a night that adds much more than any habit, and a good part of everything there is."""
    # The very first night brings everything; it says nothing about growth.
    grown = [item.bytes_added for item in earlier[1:]]
    if len(grown) < MIN_NIGHTS:
        return
    usual, everything = statistics.median(grown), earlier[-1].bytes_processed
    if night.bytes_added > max(MIN_GROWTH_BYTES, GROWTH_FACTOR * usual, GROWTH_SHARE * everything):
        yield "sudden_growth", GROWN.format(size=size(night.bytes_added), usual=size(usual), all=size(everything))


def _dumps(night: Night, earlier: Sequence[Night]) -> Iterable[tuple[str, str]]:
    """Tell a dump that is missing or much smaller than the one before, or whose new data looks encrypted."""
    if not earlier:
        return
    for path, last in earlier[-1].dumps.items():
        if not last.summary or last.summary.bytes_processed < MIN_DUMP_BYTES:
            continue
        now = night.dumps.get(path)
        length = now.summary.bytes_processed if now and now.summary else 0
        if length < DUMP_SHRUNK_TO * last.summary.bytes_processed:
            before = size(last.summary.bytes_processed)
            yield "small_dump", SHRUNK.format(path=path, size=size(length), before=before)
        elif now and now.summary and now.summary.bytes_added > STREAM_SHARE * length:
            history = [item.dumps[path].summary for item in earlier if path in item.dumps]
            yield from _incompressible(path, now.summary, [item for item in history if item])


def _types(
    night: Night, earlier: Sequence[Night], extensions: Mapping[str, Mapping[str, int]]
) -> Iterable[tuple[str, str]]:
    """Tell when many files have an extension that no file had before."""
    after = extensions.get(night.seal.id)
    before = next((extensions[item.seal.id] for item in reversed(earlier) if item.seal.id in extensions), None)
    if not after or not before:
        return
    strange = {key: count for key, count in after.items() if key not in before and key != OTHER}
    strange[OTHER] = max(0, after.get(OTHER, 0) - before.get(OTHER, 0))
    number, total = sum(strange.values()), sum(after.values())
    if number >= MIN_FILES and number > CHANGED_SHARE * total:
        most = sorted((key for key, count in strange.items() if count), key=lambda key: -strange[key])[:3]
        yield "changed_types", TYPES.format(files=number, all=total, extensions=", ".join(most) or OTHER)
