"""The charts of a host, a UPS or a device: which questions they answer, over which ranges, evenly spaced points."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from console.history import Bucket, read_history
from console.i18n import N_
from console.web.context import _

HOUR = 3600
TABLE_ROWS = 24
MOST_LINES = 8  # of one chart: more cannot be told apart


@dataclass(frozen=True)
class Range:
    """A choice of the time-range picker; ``step_seconds`` apart are the points of a chart."""

    id: str
    label: str
    seconds: int
    step_seconds: int


RANGES = (
    Range("1h", N_("1 hour"), HOUR, 60),
    Range("24h", N_("24 hours"), 24 * HOUR, 300),
    Range("7d", N_("7 days"), 7 * 24 * HOUR, HOUR),
)


@dataclass(frozen=True)
class Chart:
    """One question, one chart.  ``series``: the store's series and the label of each."""

    id: str
    title: str
    note: str
    unit: str  # ratio | rate | number | minutes | volts | celsius
    series: tuple[tuple[str, str], ...]


CHARTS = (
    Chart(
        "cpu",
        N_("CPU"),
        N_("Share of all cores in use. Short peaks are normal; above 90% for long, people wait."),
        "ratio",
        (("cpu_used_ratio", N_("In use")),),
    ),
    Chart(
        "memory",
        N_("Memory"),
        N_("Memory that programs cannot get any more. Above 90% the system begins to swap or to end programs."),
        "ratio",
        (("memory_used_ratio", N_("Memory")), ("swap_used_ratio", N_("Swap space"))),
    ),
    Chart(
        "load",
        N_("Load"),
        N_("Programs that run or wait to run. Compare it with the count of cores."),
        "number",
        (("load1", N_("Average of 1 minute")),),
    ),
    Chart(
        "filesystem",
        N_("File systems"),
        N_("Used part of each file system. A full one stops the database; order space before 85%."),
        "ratio",
        (("filesystem_used_ratio", ""),),
    ),
    Chart(
        "disk",
        N_("Disk traffic"),
        N_("Bytes read and written in a second, all disks together."),
        "rate",
        (("disk_read_bytes_per_second", N_("Read")), ("disk_written_bytes_per_second", N_("Written"))),
    ),
    Chart(
        "network",
        N_("Network"),
        N_("Bytes received and sent in a second, all interfaces together."),
        "rate",
        (
            ("network_receive_bytes_per_second", N_("Received")),
            ("network_transmit_bytes_per_second", N_("Sent")),
        ),
    ),
)


@dataclass(frozen=True)
class Line:
    """One series on the chart's times; None where nothing was measured."""

    name: str
    label: str
    values: tuple[float | None, ...]

    @property
    def known(self) -> tuple[float, ...]:
        """Return the measured values."""
        return tuple(value for value in self.values if value is not None)


def chosen_range(wanted: str | None) -> Range:
    """Return the range named ``wanted``, else one day."""
    return next((item for item in RANGES if item.id == wanted), RANGES[1])


def _average(buckets: Sequence[Bucket]) -> float | None:
    known = [bucket.average for bucket in buckets if bucket.average is not None]
    return sum(known) / len(known) if known else None


def read_lines(
    session: Session, host: str, span: Range, now: datetime, charts: Sequence[Chart] = CHARTS
) -> tuple[list[int], list[Line]]:
    """Return the charts' times (Unix seconds, oldest first, a step apart) and every series of a host on them."""
    end = int(now.timestamp()) // span.step_seconds * span.step_seconds + span.step_seconds
    start = end - span.seconds
    names = [series for chart in charts for series, _label in chart.series]
    found = read_history(
        session,
        host,
        now + timedelta(seconds=start - now.timestamp()),
        now + timedelta(seconds=end - 1 - now.timestamp()),
        names,
    )
    lines = []
    for one in found:
        width = span.step_seconds // one.step_seconds
        values = (_average(one.buckets[at : at + width]) for at in range(0, len(one.buckets), width))
        lines.append(Line(one.name, one.label, tuple(values)))
    return list(range(start, end, span.step_seconds)), lines


def labelled(chart: Chart, lines: Sequence[Line]) -> list[tuple[str, Line]]:
    """Return (label, line) of a chart; of too many lines those that rise highest."""
    found = [(line.label or _(label), line) for series, label in chart.series for line in lines if line.name == series]
    if len(found) <= MOST_LINES:
        return found
    return sorted(found, key=lambda one: max(one[1].known, default=0.0), reverse=True)[:MOST_LINES]


def shown_charts(charts: Sequence[Chart], times: Sequence[int], lines: Sequence[Line]) -> dict[str, Any]:
    """Return what ``charts.html`` needs of the charts: their lines, and which times its tables show."""
    every = max(1, len(times) // TABLE_ROWS)
    return {
        "charts": [(chart, labelled(chart, lines)) for chart in charts],
        "times": times,
        "rows": range(len(times) - 1, -1, -every),
        "ranges": RANGES,
    }


def document(charts: Sequence[Chart], times: Sequence[int], lines: Sequence[Line]) -> dict[str, Any]:
    """Return the points for ``charts.js``: ``{times, charts: {id: [{label, values}]}}``."""
    return {
        "times": times,
        "charts": {
            chart.id: [{"label": label, "values": [_short(value) for value in line.values]} for label, line in found]
            for chart in charts
            if (found := labelled(chart, lines))
        },
    }


def _short(value: float | None) -> float | None:
    """Return a value with six digits, which no pixel needs more of."""
    return None if value is None else float(f"{value:.6g}")
