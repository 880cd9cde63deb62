"""The file that tells how far a run has come, for the console; at most one write every two seconds."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from backup.night.recorder import Now, Show
from backup.status import Progress, write_progress

INTERVAL_SECONDS = 2.0


@contextlib.contextmanager
def shown(path: Path, run_id: str, policy: str, now: Now, show: Show) -> Iterator[Show]:
    """Yield a ``Show`` that also writes ``path``, which is gone after the block."""
    written_at = -INTERVAL_SECONDS

    def write(step: str, fraction: float | None, done_bytes: int) -> None:
        nonlocal written_at
        show(step, fraction, done_bytes)
        if time.monotonic() - written_at < INTERVAL_SECONDS:
            return
        written_at = time.monotonic()
        # Nobody loses a backup because nobody can be told how far it is.
        with contextlib.suppress(OSError):
            write_progress(path, Progress(run_id, policy, step, fraction, done_bytes, now()))

    try:
        yield write
    finally:
        path.unlink(missing_ok=True)
