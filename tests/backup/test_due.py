"""Which policies are due, whenever the timer asks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from backup.config.policy import Policy, Retention
from backup.rules import due
from backup.status import BackupRun, Outcome, Trigger

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=SHANGHAI).astimezone(UTC)


def policy(name: str = "his", schedule: str = "02:00", also_at: tuple[str, ...] = (), order: int = 100) -> Policy:
    return Policy(name, schedule, (), 24, 4, Retention(timedelta(days=30)), also_at, order)


def ran(at: str, outcome: Outcome = Outcome.SUCCESS, name: str = "his") -> BackupRun:
    return BackupRun(f"{at}-{name}", "his1", name, Trigger.SCHEDULE, "b", 1, local(at), outcome)


@pytest.mark.parametrize(
    ("moment", "runs", "expected"),
    [
        ("10T02:00", [], Trigger.SCHEDULE),
        ("10T02:20", [ran("09T02:00")], Trigger.SCHEDULE),
        ("10T02:20", [ran("10T02:10")], None),
        ("10T01:59", [ran("09T02:10")], None),
        ("10T01:59", [], Trigger.CATCH_UP),
        ("10T09:00", [ran("09T02:00")], Trigger.CATCH_UP),
        ("10T09:00", [ran("10T08:00", Outcome.WARNING)], None),
        ("10T09:00", [ran("10T02:00", Outcome.INTERRUPTED)], Trigger.CATCH_UP),
        ("10T02:30", [ran("10T02:00", Outcome.FAILED)], Trigger.SCHEDULE),
        ("10T02:30", [ran("10T02:00", Outcome.SKIPPED)], Trigger.SCHEDULE),
        ("10T09:00", [ran(f"10T0{hour}:00", Outcome.FAILED) for hour in (2, 3, 4)], None),
        ("10T09:00", [ran("10T03:00", name="other")], Trigger.CATCH_UP),
        # A record of the future, from a clock that was wrong, keeps nothing from being due.
        ("10T02:00", [ran("11T02:00")], Trigger.SCHEDULE),
    ],
)
def test_a_policy_is_due_until_a_good_run_began_in_its_slot(
    moment: str, runs: list[BackupRun], expected: Trigger | None
) -> None:
    found = due.find([policy()], runs, local(moment), SHANGHAI)
    assert [item.trigger for item in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("moment", "slot"),
    [("10T01:00", "09T18:30"), ("10T02:00", "10T02:00"), ("10T12:00", "10T08:00"), ("10T23:00", "10T18:30")],
)
def test_each_time_of_the_day_is_a_slot_of_its_own(moment: str, slot: str) -> None:
    several = policy(also_at=("18:30", "08:00"))
    assert due.newest_slot(several, local(moment), SHANGHAI) == local(slot)
    earlier = [ran(slot)]
    assert due.find([several], earlier, local(slot) + HOUR, SHANGHAI) == []
    assert len(due.find([several], earlier, local(slot) + 11 * HOUR, SHANGHAI)) == 1


def test_low_order_goes_first_and_what_this_round_has_had_is_left_out() -> None:
    policies = [policy("files", order=200), policy("his", order=10), policy("pacs")]
    found = due.find(policies, [], local("10T02:00"), SHANGHAI)
    assert [item.policy.name for item in found] == ["his", "pacs", "files"]
    done = {(found[0].policy.name, found[0].slot)}
    assert [item.policy.name for item in due.find(policies, [], local("10T02:10"), SHANGHAI, done)] == ["pacs", "files"]


def test_the_same_times_are_found_in_another_zone_and_over_a_change_of_the_clocks() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring = datetime(2026, 3, 29, 3, 0, tzinfo=UTC)
    assert due.newest_slot(policy(schedule="04:00"), spring, berlin) == datetime(2026, 3, 29, 2, 0, tzinfo=UTC)
    assert due.newest_slot(policy(schedule="04:00"), spring - 24 * HOUR, berlin) == datetime(2026, 3, 28, 3, tzinfo=UTC)
