"""Tries again what fails for a passing reason, a bounded number of times, on record in the step's numbers."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from backup.errors import BackupError
from backup.night.recorder import StepNotes

logger = logging.getLogger(__name__)
T = TypeVar("T")
Sleep = Callable[[float], None]
"""Waits so many seconds."""

TRANSIENT = {"database_locked", "database_unreachable", "repository_locked", "repository_unreachable"}
"""What may be over in a minute: a server that restarts, a cable that is plugged in again, another's lock."""
PAUSES_SECONDS = (10.0, 30.0, 90.0)


def persistently(
    action: Callable[[], T], notes: StepNotes, sleep: Sleep, pauses_seconds: Sequence[float] = PAUSES_SECONDS
) -> T:
    """Return what ``action`` returns, tried again after each pause while it fails for a passing reason.

    Raises its BackupError when that is not a passing one, or was the last.
    """
    for number, pause in enumerate(pauses_seconds, 1):
        try:
            return action()
        except BackupError as error:
            if error.cause.code not in TRANSIENT:
                raise
            logger.warning("%s; again in %.0f s", error, pause)
            notes.numbers["retries"] = number
            sleep(pause)
    return action()
