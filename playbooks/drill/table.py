"""A power record as a table for a terminal."""

from datetime import datetime

from agent.power.codes import CHECKS
from agent.power.records import HostStep, PowerRecord

COLUMNS = ("host", "stage", "told", "left", "off", "woken", "back", "database")


def table(record: PowerRecord) -> str:
    """Return the record: each host's times, the checks, the verdict."""
    rows = [COLUMNS, *(_row(step) for step in record.steps)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for name, moment in (
        ("on battery", record.on_battery_at),
        ("dark", record.dark_at),
        ("booted", record.booted_at),
        ("mains back", record.mains_back_at),
    ):
        if moment is not None:
            lines.append(f"{name:<12}{_clock(moment)}")
    for check in record.checks:
        kind, _, subject = check.name.partition(":")
        mark = "passed" if check.passed else "FAILED"
        detail = f" ({check.detail})" if check.detail else ""
        lines.append(f"{mark}  {CHECKS.get(kind, kind)}{': ' + subject if subject else ''}{detail}")
    verdict = record.verdict.value if record.verdict else "no verdict"
    return "\n".join([*lines, f"{record.record_id}: {verdict}"])


def _row(step: HostStep) -> tuple[str, ...]:
    clean = {True: "clean", False: "CUT OFF", None: ""}[step.clean]
    off = "HUNG" if step.hung else _clock(step.off_at)
    times = (_clock(step.told_at), _clock(step.left_at), off, _clock(step.woken_at), _clock(step.back_at))
    return (step.host, step.stage, *times, clean or step.detail.replace("_", " "))


def _clock(moment: datetime | None) -> str:
    return f"{moment.astimezone():%H:%M:%S}" if moment else "-"
