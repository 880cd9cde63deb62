"""Keeps the status file of a run true while the run goes on, and tells the truth about runs that died."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from backup.errors import BackupError
from backup.repositories.repository import Added
from backup.status import BackupRun, Cause, Outcome, Step, read_runs, write_run

logger = logging.getLogger(__name__)

Now = Callable[[], datetime]
Show = Callable[[str, float | None, int], None]
"""Shows progress to a person: the step, its done fraction (None: unknown), bytes done."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def now_utc() -> datetime:
    """Return the time in UTC, to the millisecond that the records hold."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def boot_id() -> str:
    """Return the id of this boot of this host."""
    return BOOT_ID.read_text(encoding="ascii").strip()


class Recorder:
    """Writes the run's file at its start, at the start and at the end of each step, and at its end."""

    def __init__(self, directory: Path, run: BackupRun, now: Now, show: Show) -> None:
        self.run = run
        self.show = show
        self._directory = directory
        self._now = now
        write_run(directory, run)

    def update(self, **changes: object) -> None:
        """Change fields of the run and write it."""
        self.run = replace(self.run, **changes)  # type: ignore[arg-type]
        write_run(self._directory, self.run)

    def count(self, added: Added) -> None:
        """Add what restic did to the run's totals."""
        self.update(
            bytes_processed=self.run.bytes_processed + added.bytes_processed,
            bytes_added=self.run.bytes_added + added.bytes_added,
            files=self.run.files + added.files,
        )

    @contextlib.contextmanager
    def step(self, name: str, failure: Outcome = Outcome.FAILED) -> Iterator["StepNotes"]:
        """Record one step.  A BackupError in the block ends it as ``failure`` with its cause, and goes on up."""
        logger.info("%s: %s", self.run.run_id, name)
        self.show(name, None, 0)
        earlier = self.run.steps
        notes = StepNotes()
        step = Step(name, Outcome.RUNNING, self._now())
        self.update(steps=(*earlier, step))
        try:
            yield notes
        except BackupError as error:
            self._end(earlier, step, notes, failure, error.cause)
            raise
        except KeyboardInterrupt:
            self._end(earlier, step, notes, Outcome.INTERRUPTED, None)
            raise
        self._end(earlier, step, notes, Outcome.WARNING if notes.warning else Outcome.SUCCESS, notes.warning)

    def _end(
        self, earlier: tuple[Step, ...], step: Step, notes: "StepNotes", outcome: Outcome, cause: Cause | None
    ) -> None:
        numbers = {key: float(value) for key, value in notes.numbers.items()}
        ended = replace(step, outcome=outcome, finished_at=self._now(), cause=cause, numbers=numbers)
        self.update(steps=(*earlier, ended))
        if cause:
            logger.warning("%s: %s: %s: %s: %s", self.run.run_id, step.name, cause.code, cause.place, cause.detail)

    def finish(self, outcome: Outcome, cause: Cause | None) -> BackupRun:
        """Close the run and return it."""
        self.update(outcome=outcome, cause=cause, finished_at=self._now())
        return self.run


class StepNotes:
    """What a step wants on record: its numbers, and a warning when it is done but not well."""

    def __init__(self) -> None:
        self.numbers: dict[str, float] = {}
        self.warning: Cause | None = None


def heal(directory: Path, host: str, this_boot: str) -> list[BackupRun]:
    """Mark every RUNNING record as INTERRUPTED and return them.  Call it under the mutex: then none can be alive.

    A healed run ends at the last time its record knows.
    """
    for leftover in directory.glob(".*.new"):
        leftover.unlink(missing_ok=True)
    healed = []
    for run in read_runs(directory):
        if run.outcome is not Outcome.RUNNING:
            continue
        doing = next((step.name for step in run.steps if step.outcome is Outcome.RUNNING), "between two steps")
        how = "the host went down" if run.boot_id != this_boot else f"process {run.pid} was killed"
        times = [run.started_at, *(time for step in run.steps for time in (step.started_at, step.finished_at) if time)]
        steps = tuple(
            replace(step, outcome=Outcome.INTERRUPTED) if step.outcome is Outcome.RUNNING else step
            for step in run.steps
        )
        cause = Cause("interrupted", host, f"{how} during: {doing}")
        mended = replace(run, outcome=Outcome.INTERRUPTED, cause=cause, steps=steps, finished_at=max(times))
        write_run(directory, mended)
        logger.warning("%s: interrupted: %s", run.run_id, cause.detail)
        healed.append(mended)
    return healed
