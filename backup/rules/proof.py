"""Which backups count as proved, and which proof is due.  Pure: records and a moment in, answers out.

The local repository is proved every night, as a restore will come from there.  The offsite one is proved once a
week, on a night that the host's and the policy's names choose: its data comes over the clinic's line, the hosts
should not all ask for theirs on one night, and that every pack there is readable is checked at the vault itself.
"""

import zlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from backup.rules.guard_times import SKEW
from backup.status import Verdict, Verification

PROVED_WITHIN = {"local": timedelta(days=2), "offsite": timedelta(days=8)}
"""For how long a restore test that passed proves a backup: a missed night is forgiven, two are not."""
WEEK = 7
SELF_TEST = "self-test: "
"""How the ids of assertions begin that show that the restore test can fail."""


class Standing(StrEnum):
    """How the proof of one policy in one repository stands; all but PROVED mean: not proved."""

    PROVED = "proved"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    OVERDUE = "overdue"
    NEVER = "never"


def newest(proofs: Sequence[Verification], policy: str, repository: str, moment: datetime) -> Verification | None:
    """Return the newest restore test of a policy in ``local`` or ``offsite``; ``proofs`` are newest first.

    One with a date of the future, from a clock that was wrong, would hide all others until then.
    """
    own = (item for item in proofs if (item.policy, item.repository) == (policy, repository))
    return next((item for item in own if item.started_at <= moment + SKEW), None)


def standing(proofs: Sequence[Verification], policy: str, repository: str, moment: datetime) -> Standing:
    """Tell whether the newest restore test proves the policy's backups in a repository, or why not."""
    last = newest(proofs, policy, repository, moment)
    return Standing.NEVER if last is None else judge(last.verdict, last.started_at, repository, moment)


def judge(verdict: Verdict, started_at: datetime, repository: str, moment: datetime) -> Standing:
    """Tell whether a restore test, the newest one of its policy in ``repository``, proves the backups, or why not."""
    if verdict is not Verdict.PASSED:
        return Standing(verdict.value)
    return Standing.PROVED if moment - started_at <= PROVED_WITHIN[repository] else Standing.OVERDUE


def is_due(
    proofs: Sequence[Verification],
    host: str,
    policy: str,
    repository: str,
    *,
    moment: datetime,
    zone: ZoneInfo,
    last_run: datetime | None = None,
) -> bool:
    """Tell whether a restore test is due: local until one passed today, the vault's since the week's night.

    ``last_run`` is the last run that must be proved itself; leave it out for a policy that runs all day long.
    """
    last = newest(proofs, policy, repository, moment)
    if last is None or last.verdict is not Verdict.PASSED:
        return True
    today = moment.astimezone(zone).date()
    if repository == "local" and last_run and last.started_at < last_run:
        return True
    since = today if repository == "local" else _night(host, policy, today)
    return last.started_at.astimezone(zone).date() < since


def _night(host: str, policy: str, today: date) -> date:
    """Return the last of a policy's weekly nights, at the latest today."""
    offset = zlib.crc32(f"{host}/{policy}".encode())
    return today - timedelta(days=(today.toordinal() - offset) % WEEK)


def is_self_test_due(proofs: Sequence[Verification], policy: str, moment: datetime, zone: ZoneInfo) -> bool:
    """Tell whether no restore test of this ISO week has shown yet that it can fail."""
    week = moment.astimezone(zone).isocalendar()[:2]
    return not any(
        item.policy == policy and item.started_at.astimezone(zone).isocalendar()[:2] == week and _has_shown(item)
        for item in proofs
    )


def _has_shown(proof: Verification) -> bool:
    answers = [item.status for item in proof.assertions if item.id.startswith(SELF_TEST)]
    return bool(answers) and Verdict.FAILED not in answers
