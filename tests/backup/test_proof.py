"""Which backups count as proved, and which proof is due tonight."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from backup.rules.proof import SELF_TEST, Standing, is_due, is_self_test_due, standing
from backup.status import Assertion, Verdict, Verification

ZONE = ZoneInfo("Asia/Shanghai")
NIGHT = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)
"""02:30 on Tuesday, 3 March, at the clinic."""
DAY = timedelta(days=1)


def proof(
    started_at: datetime,
    verdict: Verdict = Verdict.PASSED,
    repository: str = "local",
    shown: tuple[Verdict, ...] = (),
    policy: str = "his",
) -> Verification:
    answers = tuple(Assertion(f"{SELF_TEST}{index}", status, "", "") for index, status in enumerate(shown))
    return Verification(
        verification_id="x",
        host="his1",
        policy=policy,
        repository=repository,
        started_at=started_at,
        finished_at=started_at,
        verdict=verdict,
        assertions=answers,
    )


@pytest.mark.parametrize(
    ("proofs", "expected"),
    [
        ([], Standing.NEVER),
        ([proof(NIGHT - DAY)], Standing.PROVED),
        ([proof(NIGHT - 2 * DAY)], Standing.PROVED),
        ([proof(NIGHT - 2 * DAY - timedelta(minutes=1))], Standing.OVERDUE),
        ([proof(NIGHT, Verdict.FAILED), proof(NIGHT - DAY)], Standing.FAILED),
        ([proof(NIGHT, Verdict.ERROR), proof(NIGHT - DAY)], Standing.ERROR),
        ([proof(NIGHT, Verdict.SKIPPED)], Standing.SKIPPED),
        ([proof(NIGHT, repository="offsite")], Standing.NEVER),
        ([proof(NIGHT, policy="pacs")], Standing.NEVER),
    ],
)
def test_only_the_newest_proof_counts_and_only_for_so_long(proofs: list[Verification], expected: Standing) -> None:
    assert standing(proofs, "his", "local", NIGHT) is expected


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.PASSED])
def test_a_restore_test_of_the_future_hides_no_other_and_proves_nothing(verdict: Verdict) -> None:
    """A clock that was wrong for an hour would have the last word for years."""
    wrong = proof(NIGHT + 900 * DAY, verdict)
    assert standing([wrong, proof(NIGHT)], "his", "local", NIGHT) is Standing.PROVED
    assert standing([wrong], "his", "local", NIGHT) is Standing.NEVER
    assert is_due([wrong], "his1", "his", "local", moment=NIGHT, zone=ZONE)
    assert not is_due([wrong, proof(NIGHT)], "his1", "his", "local", moment=NIGHT, zone=ZONE)


def test_the_vault_is_proved_for_a_week_and_a_day() -> None:
    assert standing([proof(NIGHT - 8 * DAY, repository="offsite")], "his", "offsite", NIGHT) is Standing.PROVED
    assert standing([proof(NIGHT - 9 * DAY, repository="offsite")], "his", "offsite", NIGHT) is Standing.OVERDUE


@pytest.mark.parametrize(
    ("proofs", "expected"),
    [
        ([], True),
        ([proof(NIGHT - DAY)], True),
        ([proof(NIGHT - timedelta(hours=2))], False),
        ([proof(NIGHT - timedelta(hours=3))], True),
        ([proof(NIGHT - timedelta(hours=1), Verdict.FAILED), proof(NIGHT - timedelta(hours=2))], True),
    ],
)
def test_the_local_repository_is_proved_once_every_day_of_the_clinic(
    proofs: list[Verification], expected: bool
) -> None:
    assert is_due(proofs, "his1", "his", "local", moment=NIGHT, zone=ZONE) is expected


def test_a_second_backup_on_one_day_is_proved_itself_unless_the_policy_runs_all_day() -> None:
    proofs = [proof(NIGHT - timedelta(hours=2))]
    later = NIGHT - timedelta(hours=1)
    assert is_due(proofs, "his1", "his", "local", moment=NIGHT, zone=ZONE, last_run=later)
    assert not is_due(proofs, "his1", "his", "local", moment=NIGHT, zone=ZONE)
    assert not is_due([proof(later, repository="offsite")], "his1", "his", "offsite", moment=NIGHT, zone=ZONE)


def test_the_vault_is_proved_once_a_week_however_the_first_proof_fell() -> None:
    for first in range(7):
        start = NIGHT + first * DAY
        proofs: list[Verification] = []
        for night in range(60):
            moment = start + night * DAY
            if is_due(proofs, "his1", "his", "offsite", moment=moment, zone=ZONE):
                proofs.insert(0, proof(moment, repository="offsite"))
        gaps = {newer.started_at - older.started_at for newer, older in pairwise(proofs)}
        assert max(gaps) == 7 * DAY
        assert len(proofs) <= 10


def test_policies_choose_different_nights_for_the_vault() -> None:
    start = [proof(NIGHT, repository="offsite", policy=f"p{index}") for index in range(40)]
    loads = [
        sum(is_due(start, "his1", item.policy, "offsite", moment=NIGHT + night * DAY, zone=ZONE) for item in start)
        for night in range(1, 8)
    ]
    assert loads == sorted(loads)
    assert loads[0] < 15
    assert loads[-1] == 40


def test_a_vault_that_could_not_be_proved_is_tried_every_night() -> None:
    proofs = [proof(NIGHT, Verdict.ERROR, "offsite")]
    assert is_due(proofs, "his1", "his", "offsite", moment=NIGHT + DAY, zone=ZONE)


@pytest.mark.parametrize(
    ("proofs", "expected"),
    [
        ([], True),
        ([proof(NIGHT - DAY)], True),
        ([proof(NIGHT - DAY, shown=(Verdict.PASSED, Verdict.SKIPPED))], False),
        ([proof(NIGHT - DAY, Verdict.ERROR, shown=(Verdict.PASSED, Verdict.FAILED))], True),
        ([proof(NIGHT - 2 * DAY, shown=(Verdict.PASSED,))], True),
        ([proof(NIGHT - DAY, shown=(Verdict.PASSED,), policy="pacs")], True),
    ],
)
def test_the_first_proof_of_an_iso_week_shows_that_it_can_fail(proofs: list[Verification], expected: bool) -> None:
    assert is_self_test_due(proofs, "his", NIGHT, ZONE) is expected
