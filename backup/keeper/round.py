"""One round of the keeper at one repository, kept on record step by step while it goes on."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from backup.errors import BackupError
from backup.night.recorder import Now, StepNotes
from backup.status import Cause, CopyState, Outcome, RepositoryState, Step, write_repository

logger = logging.getLogger(__name__)
State = TypeVar("State", bound=RepositoryState | CopyState)

SIZES_KEPT = 120
PASSING = {"repository_locked"}
"""Causes that go away by themselves: a backup that goes on, for one."""
RANK = (Outcome.SUCCESS, Outcome.WARNING, Outcome.FAILED)


class Recording(Generic[State]):
    """Writes a state at its start, around each step, and at its end.

    The outcome is that of the worst step, the cause that of the first of those.
    """

    def __init__(self, state: State, now: Now, write: Callable[[State], object]) -> None:
        self.state: State = state
        self.outcome = Outcome.SUCCESS
        self.cause: Cause | None = None
        self._now = now
        self._write = write
        write(state)

    def update(self, **changes: object) -> None:
        """Change fields of the state and write it."""
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]
        self._write(self.state)

    def worsen(self, outcome: Outcome, cause: Cause) -> None:
        """Note that the round is not well."""
        logger.warning("%s: %s: %s: %s", self.state.host, cause.code, cause.place, cause.detail)
        if RANK.index(outcome) > RANK.index(self.outcome):
            self.outcome, self.cause = outcome, cause

    @contextlib.contextmanager
    def step(self, name: str, failure: Outcome = Outcome.FAILED) -> Iterator[StepNotes]:
        """Record one step; a BackupError in it ends it as ``failure`` and goes on up."""
        logger.info("%s: %s", self.state.host, name)
        earlier, notes, started = self.state.steps, StepNotes(), self._now()
        self.update(steps=(*earlier, Step(name, Outcome.RUNNING, started)))

        def end(outcome: Outcome, cause: Cause | None) -> None:
            numbers = {key: float(value) for key, value in notes.numbers.items()}
            ended = Step(name, outcome, started, finished_at=self._now(), cause=cause, numbers=numbers)
            self.update(steps=(*earlier, ended))

        try:
            yield notes
        except BackupError as error:
            outcome = Outcome.WARNING if error.cause.code in PASSING else failure
            end(outcome, error.cause)
            self.worsen(outcome, error.cause)
            raise
        except KeyboardInterrupt:
            end(Outcome.INTERRUPTED, None)
            raise
        end(Outcome.WARNING if notes.warning else Outcome.SUCCESS, notes.warning)
        if notes.warning:
            self.worsen(Outcome.WARNING, notes.warning)

    def close(self, **changes: object) -> State:
        """Close the round and return its state."""
        self.update(finished_at=self._now(), outcome=self.outcome, cause=self.cause, **changes)
        return self.state


class Round(Recording[RepositoryState]):
    """One round at a host's repository."""

    def __init__(self, directory: Path, state: RepositoryState, now: Now) -> None:
        super().__init__(state, now, lambda state: write_repository(directory, state))

    def finish(self, size_bytes: int, zone: ZoneInfo) -> RepositoryState:
        """Close the round with the repository's size of today and return its state."""
        ended = self._now()
        today = ended.astimezone(zone).date().isoformat()
        sizes = (*(pair for pair in self.state.sizes if pair[0] != today), (today, size_bytes))[-SIZES_KEPT:]
        return self.close(size_bytes=size_bytes, sizes=sizes)


def heal_interrupted(state: State, now: datetime) -> State:
    """Return the state of a round that died as an interrupted one.  Call it under the mutex: then none is alive."""
    doing = next((step.name for step in state.steps if step.outcome is Outcome.RUNNING), "between two steps")
    steps = tuple(
        replace(step, outcome=Outcome.INTERRUPTED) if step.outcome is Outcome.RUNNING else step for step in state.steps
    )
    cause = Cause("interrupted", state.host, f"the keeper ended during: {doing}")
    latest = max([state.started_at, *(step.finished_at or step.started_at for step in steps)])
    return replace(
        state,
        outcome=Outcome.INTERRUPTED,
        steps=steps,
        cause=cause,
        finished_at=min(now, latest + timedelta(0)),
    )
