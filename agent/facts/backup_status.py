"""Print what the backup room left behind on this host, small: policies, newest runs, newest verifications.

Run as a program of its own (``python -I -S backup_status.py CONFIG STATE``), so that a hung disk ends with the
probe's time-out.  Of the configuration only the policies' names and targets are printed, never a URL or a secret.
"""

import json
import sys
from pathlib import Path
from typing import Any

KEPT = 20
RUN = ("run_id", "policy", "trigger", "started_at", "finished_at", "outcome", "snapshot_id", "offsite_snapshot_id")
RUN_NUMBERS = ("bytes_processed", "bytes_added", "files")
VERIFICATION = ("verification_id", "policy", "snapshot_id", "repository", "started_at", "finished_at", "verdict")
VERIFICATION_NUMBERS = ("as_of", "rpo_seconds", "rto_seconds")
POLICY = ("name", "schedule", "rpo_hours", "rto_hours")


def _pick(record: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: record.get(key) for key in keys}


def _cause(record: dict[str, Any]) -> str | None:
    cause = record.get("cause")
    return cause.get("code") if isinstance(cause, dict) else None


def _records(directory: Path, unreadable: list[str]) -> list[dict[str, Any]]:
    found = []
    for path in sorted(directory.glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            unreadable.append(str(path))
            continue
        if isinstance(record, dict):
            found.append(record)
        else:
            unreadable.append(str(path))
    return sorted(found, key=lambda record: str(record.get("started_at")), reverse=True)[:KEPT]


def status(config: Path, state: Path) -> dict[str, Any]:
    """Return the policies in ``config`` and the newest runs and verifications under ``state``, newest first.

    ``configured`` is false when there is no configuration.  Unreadable files are listed, never raised.
    """
    unreadable: list[str] = []
    policies: list[dict[str, Any]] = []
    configured = config.exists()
    if configured:
        try:
            policies = [_pick(policy, POLICY) for policy in json.loads(config.read_text(encoding="utf-8"))["policies"]]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            unreadable.append(str(config))
    runs = [
        _pick(run, RUN + RUN_NUMBERS)
        | {"cause": _cause(run)}
        | {"steps": [_pick(step, ("name", "outcome", "finished_at")) for step in run.get("steps") or []]}
        for run in _records(state / "runs", unreadable)
    ]
    verifications = [
        _pick(verification, VERIFICATION + VERIFICATION_NUMBERS) | {"cause": _cause(verification)}
        for verification in _records(state / "verifications", unreadable)
    ]
    return {
        "configured": configured,
        "policies": policies,
        "runs": runs,
        "verifications": verifications,
        "unreadable": unreadable,
    }


if __name__ == "__main__":
    json.dump(status(Path(sys.argv[1]), Path(sys.argv[2])), sys.stdout, ensure_ascii=False)
