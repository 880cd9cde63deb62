"""Keeps the record of a restore true while it goes on, and tells the truth about restores that died."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from backup.errors import BackupError
from backup.night.recorder import Now, Show, StepNotes
from backup.status import Cause, Outcome, RestoreRecord, Step, read_restores, write_restore

logger = logging.getLogger(__name__)


class RestoreRecorder:
    """Writes the record at the restore's start, at the start and the end of each step, and at its end."""

    def __init__(self, directory: Path, record: RestoreRecord, now: Now, show: Show) -> None:
        self.record = record
        self.show = show
        self._directory = directory
        self._now = now
        write_restore(directory, record)

    def update(self, **changes: object) -> None:
        """Change fields of the record and write it."""
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]
        write_restore(self._directory, self.record)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[StepNotes]:
        """Record one step; an error in the block ends it as failed (interrupted) and goes on up."""
        logger.info("%s: %s", self.record.restore_id, name)
        self.show(name, None, 0)
        earlier, notes = self.record.steps, StepNotes()
        step = Step(name, Outcome.RUNNING, self._now())
        self.update(steps=(*earlier, step))
        outcome, cause = Outcome.FAILED, None
        try:
            yield notes
            outcome, cause = (Outcome.WARNING if notes.warning else Outcome.SUCCESS), notes.warning
        except BackupError as error:
            cause = error.cause
            raise
        except KeyboardInterrupt:
            outcome = Outcome.INTERRUPTED
            raise
        finally:
            numbers = {key: float(value) for key, value in notes.numbers.items()}
            ended = replace(step, outcome=outcome, finished_at=self._now(), cause=cause, numbers=numbers)
            restored = self.record.bytes_restored + int(notes.numbers.get("bytes", 0))
            self.update(steps=(*earlier, ended), bytes_restored=restored)

    def finish(self, outcome: Outcome, cause: Cause | None) -> RestoreRecord:
        """Close the record and return it."""
        self.update(outcome=outcome, cause=cause, finished_at=self._now())
        return self.record


def heal(directory: Path, host: str) -> list[RestoreRecord]:
    """Mark every RUNNING record as INTERRUPTED and return them.  Call it under the restores' mutex: all are dead."""
    for leftover in directory.glob(".*.new"):
        leftover.unlink(missing_ok=True)
    healed = []
    for record in read_restores(directory):
        if record.outcome is not Outcome.RUNNING:
            continue
        doing = next((step.name for step in record.steps if step.outcome is Outcome.RUNNING), "between two steps")
        known = [record.started_at, *(at for step in record.steps for at in (step.started_at, step.finished_at) if at)]
        steps = tuple(
            replace(step, outcome=Outcome.INTERRUPTED) if step.outcome is Outcome.RUNNING else step
            for step in record.steps
        )
        cause = Cause("restore_interrupted", host, f"it was killed, or the host went down, during: {doing}")
        mended = replace(record, outcome=Outcome.INTERRUPTED, cause=cause, steps=steps, finished_at=max(known))
        write_restore(directory, mended)
        healed.append(mended)
    return healed
