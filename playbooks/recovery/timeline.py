"""The steps of a rebuild with their times, told as they go and kept for the record."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from backup.night.recorder import now_utc
from backup.status import Cause, Outcome, Step
from playbooks.recovery.remote import RecoveryError


@dataclass
class Timeline:
    """``say`` tells a person; a step that fails stays the last one."""

    place: str
    say: Callable[[str], None]
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def step(self, name: str, text: str) -> Iterator[None]:
        """Time one step; a RecoveryError ends it as failed and goes on up."""
        self.say(f"{text} …")
        began, step = time.monotonic(), Step(name, Outcome.RUNNING, now_utc())
        try:
            yield
        except RecoveryError as error:
            cause = Cause("restore_failed", self.place, str(error))
            self.steps.append(replace(step, outcome=Outcome.FAILED, finished_at=now_utc(), cause=cause))
            raise
        self.steps.append(replace(step, outcome=Outcome.SUCCESS, finished_at=now_utc()))
        self.say(f"{text}: {time.monotonic() - began:.0f} s")

    def note(self, text: str) -> None:
        """Tell something that needs a person and does not stop the rebuild."""
        self.notes.append(text)
        self.say(text)
