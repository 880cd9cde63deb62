"""What a verification finds while it goes on: phases with their seconds, assertions with their answers."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from backup.errors import BackupError
from backup.status import Assertion, Cause, Verdict

logger = logging.getLogger(__name__)

TELLING_BYTES = 50_000_000
"""Fewer bytes come in a time that is mostly restic's start, and so tell nothing about its rate."""


@dataclass
class Findings:
    """What a verification has found so far; survives an error in the middle.

    ``self_test``: whoever proves something then spoils it in the scratch place and sees that it is told.
    """

    show: Callable[[str], None]
    self_test: bool = False
    snapshot_id: str | None = None
    as_of: datetime | None = None
    bytes_restored: int = 0
    bytes_in_set: int = 0
    phases: dict[str, float] = field(default_factory=dict)
    assertions: list[Assertion] = field(default_factory=list)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase; phases of the same name add up."""
        logger.info("verification: %s", name)
        self.show(name)
        began = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] = round(self.phases.get(name, 0.0) + time.monotonic() - began, 3)

    def forecast(self, seconds: float | None) -> float | None:
        """Return how long a restore of the whole set would take when this one took ``seconds``; None: no telling.

        Databases are restored whole, of the files only a sample: the rest would come at the rate of what came.
        """
        rest = max(0, self.bytes_in_set - self.bytes_restored)
        if seconds is None or rest < TELLING_BYTES:
            return seconds
        if self.bytes_restored < TELLING_BYTES:
            return None
        reading = sum(self.phases.get(name, 0.0) for name in ("fetch", "files"))
        return round(seconds + rest * reading / self.bytes_restored, 3)

    def require(self, identifier: str, passed: bool, expected: str, got: str, failure: Cause) -> None:
        """Note an assertion; raise BackupError with ``failure`` when it did not hold."""
        self.assertions.append(Assertion(identifier, Verdict.PASSED if passed else Verdict.FAILED, expected, got))
        if not passed:
            raise BackupError(failure.code, failure.place, failure.detail)
