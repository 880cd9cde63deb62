"""Will the new backup fit?  Asked before anything is stored, so that no disk fills and nothing has to be undone.

The repository's server publishes its free bytes as a file that rest-server hands out (``space/config``).  What the
last run read is more than this one can add, unless the data has grown; only when that does not fit is the exact
need found by a dry run, which reads and compresses everything that is new.
"""

import http
import json
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from backup.errors import BackupError
from backup.repositories import rest_server
from backup.repositories.restic import Repository
from backup.status import BackupRun, parse_time

SPARE_BYTES = 64_000_000
"""For restic's index, the locks, and what others store meanwhile."""
GROWTH = 1.1
STALE = timedelta(hours=1)


def free_bytes(repository: Repository) -> int | None:
    """Return what the repository's server has free; None when it does not tell or has not told for an hour.

    Raises BackupError when it cannot be reached.
    """
    answer = rest_server.ask(repository, "GET", "space/config")
    if answer.status != http.HTTPStatus.OK:
        return None
    try:
        told = json.loads(answer.body)
        if answer.at and answer.at - parse_time(told["at"]) > STALE:
            return None
        return int(told["free_bytes"])
    except (ValueError, KeyError, TypeError):
        return None


def require(repository: Repository, needed: float, free: int) -> None:
    """Raise BackupError ``repository_full`` unless ``needed`` bytes fit into ``free``."""
    if needed > free:
        detail = f"{needed / 1e6:.0f} MB are needed, {free / 1e6:.0f} MB are free"
        raise BackupError("repository_full", repository.place, detail)


def most(last: BackupRun | None) -> float | None:
    """Return more than this run can add, judged by the ``last`` good one; None without one."""
    return GROWTH * last.bytes_processed + SPARE_BYTES if last and last.bytes_processed else None


def streams(last: BackupRun | None) -> float:
    """Return what this run's dumps may add: twice what the last ones did."""
    return 2 * sum(step.numbers.get("bytes_added", 0) for step in last.steps if step.name == "dump") if last else 0


def require_for_paths(
    repository: Repository, paths: Sequence[Path], free: int, estimate: Callable[[], int]
) -> dict[str, float]:
    """Raise BackupError ``repository_full`` unless what is below ``paths`` fits; return the numbers for the record.

    ``estimate`` makes the dry run; it is not asked when all files together fit.
    """
    needed = size(paths) + SPARE_BYTES
    if needed > free:
        needed = estimate() + SPARE_BYTES
    require(repository, needed, free)
    return {"bytes_needed": needed, "bytes_free": free}


def size(paths: Iterable[Path]) -> int:
    """Return the size of all files below ``paths``; what cannot be read counts as nothing."""
    total, waiting = 0, [str(path) for path in paths]
    while waiting:
        path = waiting.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except NotADirectoryError:
            total += os.lstat(path).st_size
        except OSError:
            continue
    return total
