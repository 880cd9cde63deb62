"""``xinglin power booted``: how this host came up, and how it had gone down, for the power record.

That the boot before ended in order is told by a mark, not by a log that may be young or gone: at an orderly shutdown
systemd stops ``xinglin-power-ended.service``, after every database since it starts before them, and the unit leaves
the boot's id.  A boot without its mark was cut off.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.power.clusters import Cluster, accepts_connections, clusters, shut_down_cleanly, started_at

SCHEMA = 1
FILE, MARK = "boot.json", "ended.boot"
READY_SECONDS = 120.0
AGAIN_SECONDS = 1.0


def write_report(
    directory: Path,
    boot_id: str,
    booted_at: datetime,
    listed: Callable[[], tuple[Cluster, ...]] = clusters,
    ready_seconds: float = READY_SECONDS,
) -> dict[str, Any]:
    """Write ``boot.json`` into ``directory`` and return it.  Waits for the databases, ``ready_seconds`` at most.

    A second report of one boot keeps what the first said of the boot before.  Raises OSError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    old = _old_report(directory / FILE)
    found = listed()
    _wait(found, ready_seconds)
    again = old.get("boot_id") == boot_id
    report = {
        "schema": SCHEMA,
        "boot_id": boot_id,
        "booted_at": _text(booted_at),
        "reported_at": _text(datetime.now(UTC)),
        "previous": old["previous"] if again else _previous(directory / MARK, str(old.get("boot_id", ""))),
        "databases": [_database(cluster, booted_at, old if again else {}) for cluster in found],
    }
    _write(directory / FILE, report)
    return report


def _previous(mark: Path, previous_boot: str) -> dict[str, Any]:
    """Return how the boot before ended; ``clean`` is None when none was ever reported."""
    try:
        marked = mark.read_text(encoding="ascii").strip()
        at = datetime.fromtimestamp(mark.stat().st_mtime, UTC)
    except (OSError, ValueError):
        marked, at = "", None
    if not previous_boot:
        return {"boot_id": "", "clean": None, "ended_at": None}
    clean = marked == previous_boot
    return {"boot_id": previous_boot, "clean": clean, "ended_at": _text(at) if clean and at else None}


def _database(cluster: Cluster, booted_at: datetime, old: dict[str, Any]) -> dict[str, Any]:
    accepts = accepts_connections(cluster)
    earlier = next((one for one in old.get("databases", []) if one["name"] == cluster.name), None)
    if earlier is not None:
        return {**earlier, "accepts": accepts}
    clean, evidence = shut_down_cleanly(cluster)
    started = started_at(cluster)
    if started is None or started < booted_at.timestamp() - 5:
        clean, evidence = None, "it has not been started since the boot"
    return {"name": cluster.name, "clean": clean, "accepts": accepts, "evidence": evidence}


def _wait(found: tuple[Cluster, ...], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not all(accepts_connections(cluster) for cluster in found) and time.monotonic() < deadline:
        time.sleep(AGAIN_SECONDS)


def _old_report(path: Path) -> dict[str, Any]:
    try:
        old = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return old if isinstance(old, dict) and old.get("schema") == SCHEMA and "previous" in old else {}


def _write(path: Path, report: dict[str, Any]) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(report, file, ensure_ascii=False, indent=1)
        os.fchmod(file.fileno(), 0o640)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
