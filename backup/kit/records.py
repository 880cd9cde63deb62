"""The record of a drill: the recovery code from the envelope was tried on a repository."""

from datetime import datetime
from typing import Any, Self

from backup.config.policy import Config
from backup.night.recorder import now_utc
from backup.status import Cause, Outcome, Purpose, RestoreRecord, Step, new_id, write_restore

WHAT = "recovery key"
STEP = "open"


class Drill:
    """One repository's part of a drill; times itself as a context, ``write`` leaves the record on this host."""

    def __init__(self, config: Config, name: str, operator: str) -> None:
        self._config, self._name, self._operator = config, name, operator
        self._cause: Cause | None = None
        self._started = self._finished = now_utc()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._finished = now_utc()

    def found(self, result: dict[str, Any]) -> None:
        """Take what opening the repository gave: its ``cause`` is None when the code opened it."""
        self._cause = Cause(**result["cause"]) if result["cause"] else None

    def write(self) -> None:
        """Write the record; raises OSError."""
        write_restore(self._config.restores, self._record(self._started, self._finished))

    def _record(self, started: datetime, finished: datetime) -> RestoreRecord:
        outcome = Outcome.FAILED if self._cause else Outcome.SUCCESS
        return RestoreRecord(
            restore_id=new_id(f"drill-{self._name}", started),
            host=self._config.host,
            policy="",
            repository=self._name,
            what=WHAT,
            target="",
            in_place=False,
            purpose=Purpose.DRILL,
            operator=self._operator,
            started_at=started,
            finished_at=finished,
            outcome=outcome,
            steps=(Step(STEP, outcome, started, finished, self._cause),),
            cause=self._cause,
        )
