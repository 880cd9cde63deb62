"""What the restore says to people and to scripts: sets, plans, finished restores."""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from backup.printable import printable
from backup.report import explained, size
from backup.repositories.repository import Snapshot
from backup.restore import choose
from backup.restore.operation import Done
from backup.restore.plan import Plan
from backup.restore.restorer import Asked
from backup.restore.sets import Sets
from backup.status import format_time, to_json

SHOWN = 20
"""How many changed files are listed; the rest are counted."""


def local_time(moment: datetime, timezone: str) -> str:
    """Return a time as the facility's clocks show it."""
    return f"{moment.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M:%S}"


def set_line(sets: Sets, snapshot: Snapshot, now: datetime, timezone: str) -> str:
    """Return one set in a line: id, time, age, whether a restore test proved it."""
    hours = (now - snapshot.time).total_seconds() / 3600
    age = f"{hours:.1f} h old" if hours < 48 else f"{hours / 24:.0f} days old"
    verdict = sets.verdict(snapshot)
    proof = f"restore test: {verdict.value}" if verdict else "no restore test on this host"
    return f"{snapshot.id[:8]}  {local_time(snapshot.time, timezone)}  {age}  {proof}"


def set_json(sets: Sets, snapshot: Snapshot) -> dict[str, Any]:
    """Return one set as plain JSON values."""
    verdict = sets.verdict(snapshot)
    return {
        "snapshot_id": snapshot.id,
        "run_id": snapshot.tag("run"),
        "repository": sets.repository.name,
        "time": format_time(snapshot.time),
        "verdict": verdict.value if verdict else None,
    }


def plan_lines(plan: Plan, timezone: str) -> str:
    """Return what the plan would write."""
    asked = plan.asked
    taken_at = local_time(asked.sealed.as_of, timezone)
    lines = [f"from {asked.sets.repository.place}, set {asked.snapshot.id[:8]}, data of {taken_at} ({timezone})"]
    lines += [line for item in plan.parts for line in item.lines()]
    if plan.files:
        found = plan.files.preview
        lines.append(
            f"files below {plan.files.target}: {found.made} new, {len(found.changed)} overwritten, "
            f"{found.unchanged} the same already; {size(found.bytes)} to write; none is deleted"
        )
        lines += [f"  overwritten: {printable(path)}" for path in found.changed[:SHOWN]]
        if len(found.changed) > SHOWN:
            lines.append(f"  … and {len(found.changed) - SHOWN} more")
        if plan.files.keep:
            lines.append(f"  old versions ({size(found.changed_bytes)}) go to {plan.files.keep}")
        elif plan.files.in_place and found.changed:
            lines.append("  old versions are NOT kept")
    lines += [
        f"NOT put back by itself: {part.kind} {part.name}; restore it beside (--part {part.name} --target DIRECTORY)"
        for part in plan.left_out
    ]
    lines += [
        f"space at {need.path}: {size(need.needed_bytes)} needed, {size(need.free_bytes)} free" for need in plan.needs
    ]
    seconds = plan.expected_seconds
    lines.append(
        f"expected time: {_duration(seconds)}" if seconds is not None else "expected time: never measured here"
    )
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def plan_json(plan: Plan, confirmation: str | None) -> dict[str, Any]:
    """Return the plan as plain JSON values."""
    return {
        "schema": 1,
        "repository": plan.asked.sets.repository.name,
        "set": set_json(plan.asked.sets, plan.asked.snapshot),
        "as_of": format_time(plan.asked.sealed.as_of),
        "in_place": plan.asked.request.in_place,
        "confirm": confirmation,
        "parts": [
            {"kind": item.part.kind, "name": item.part.name, "bytes": item.part.bytes, "target": item.target}
            | item.to_json()
            for item in plan.parts
        ],
        "left_out": [{"kind": part.kind, "name": part.name} for part in plan.left_out],
        "files": plan.files
        and {
            "target": str(plan.files.target),
            "new": plan.files.preview.made,
            "overwritten": [printable(path) for path in plan.files.preview.changed],
            "unchanged": plan.files.preview.unchanged,
            "bytes": plan.files.preview.bytes,
            "keep": plan.files.keep and str(plan.files.keep),
        },
        "space": [{**vars(need), "path": str(need.path)} for need in plan.needs],
        "expected_seconds": plan.expected_seconds,
    }


def contents(asked: Asked) -> Iterator[str]:
    """Yield a line for each part of the set, or what is in the parts that are asked for."""
    if not asked.request.named:
        for part in choose.restorable(asked.sealed):
            yield f"{part.kind:<12} {part.name}  {size(part.bytes)}"
        for path in asked.sealed.paths:
            yield f"{'files':<12} {path}"
        return
    with tempfile.TemporaryDirectory() as place:
        for part in choose.parts(asked.request, asked.sealed):
            yield f"{part.kind} {part.name}  {size(part.bytes)}"
            yield from choose.KINDS[part.kind].contents(part, asked.stored(Path(place)))


def done_lines(done: Done, timezone: str) -> str:
    """Return what a restore did, a line a step, and what to do next."""
    record = done.record
    took = (record.finished_at - record.started_at).total_seconds() if record.finished_at else 0.0
    outcome = f"{record.outcome.value} in {took:.0f} s, {size(record.bytes_restored)}"
    lines = [f"restore {record.restore_id}: {outcome}: {record.what} → {record.target}"]
    if record.as_of:
        lines.append(f"  data of {local_time(record.as_of, timezone)} ({timezone}), from {record.repository}")
    for step in record.steps:
        seconds = f" {(step.finished_at - step.started_at).total_seconds():.1f} s" if step.finished_at else ""
        lines.append(f"  {step.name}: {step.outcome.value}{seconds}")
    lines += [f"  {hint}" for hint in done.hints]
    if record.cause:
        lines += [f"  {line}" for line in explained(record.cause).splitlines()]
    return "\n".join(lines)


def done_json(done: Done) -> dict[str, Any]:
    """Return the record and the hints as plain JSON values."""
    return to_json(done.record) | {"hints": list(done.hints)}
