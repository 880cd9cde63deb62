"""Start the drill on the UPS's host."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from shlex import quote

from playbooks.login import Target
from playbooks.recovery.remote import XINGLIN, RecoveryError, attempt


@dataclass(frozen=True)
class Started:
    """A drill that has begun, and what speaks against it (codes).  ``begun_at`` by the host's own clock."""

    begun_at: datetime
    warnings: tuple[str, ...]


def start(host: Target, ups: str, scope: str, how: str | None, operator: str) -> Started:
    """Ask the power daemon on ``host`` for the drill.  Raises RecoveryError with its refusal."""
    now = attempt(host, "date -u +%s").stdout
    options = f"--scope {scope} --ups {quote(ups)} --operator {quote(operator)}" + (f" --how {how}" if how else "")
    done = attempt(host, f"{XINGLIN} power drill {options}")
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit {done.returncode}"]
        raise RecoveryError(f"{host.name}: {said[-1].removeprefix('xinglin power: ')}")
    answer = json.loads(done.stdout)
    return Started(datetime.fromtimestamp(int(now), UTC), tuple(answer["warnings"]))
