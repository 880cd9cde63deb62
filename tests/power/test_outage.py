"""Whole outages with the real upsd, dummy-ups and upsmon, and with the daemon as a process that may die at any time."""

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from agent.power.records import Cause, Phase, PowerRecord, Verdict
from agent.power.request import new_request, read_answer, write_request
from agent.power.state import host_step
from tests.power.loopback import HANGS_SECONDS, HOSTS, OWN, UPS, Clinic, running_clinic

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="upsmon asks for root")
KILLED_ROUNDS = 12


def in_order(*times: datetime | None) -> bool:
    known = [time for time in times if time is not None]
    return len(known) == len(times) and all(one <= other for one, other in pairwise(known))


def failed(record: PowerRecord) -> dict[str, str]:
    return {check.name: check.detail for check in record.checks if not check.passed}


def goes_away(clinic: Clinic) -> None:
    clinic.say(runtime="300", charge="90", status="OB DISCHRG")


def whole_outage(directory: Path) -> Clinic:
    with running_clinic(directory) as clinic:
        goes_away(clinic)
        clinic.wait(clinic.filed)
        return clinic


def hung_host(directory: Path) -> Clinic:
    with running_clinic(directory, HANGS_SECONDS) as clinic:
        clinic.freeze("his1")
        goes_away(clinic)
        clinic.wait(clinic.filed)
        return clinic


def half_way(directory: Path) -> Clinic:
    with running_clinic(directory) as clinic:
        clinic.say(runtime="550", charge="90", status="OB DISCHRG")  # below the first threshold only
        clinic.wait(lambda: clinic.is_off("ws1"))
        clinic.say(status="OL CHRG")
        clinic.wait(clinic.filed)
        assert clinic.latches() == ["OL", "OL"]
        clinic.wait(lambda: clinic.logged_in() == 2)  # its upsmon stays: the latch is clear
        return clinic


def lab_drill(directory: Path) -> Clinic:
    with running_clinic(directory) as clinic:
        requests = clinic.directory / "power/drill"
        wanted = new_request("boot1", UPS, "lab", "simulated", "李伟")
        clinic.wait(requests.exists)
        write_request(requests, wanted)
        clinic.wait(lambda: read_answer(requests, wanted.request_id) is not None)
        second = new_request("boot1", UPS, "lab", "simulated", "somebody else")
        write_request(requests, second)
        clinic.wait(lambda: read_answer(requests, second.request_id) is not None)
        refusal = read_answer(requests, second.request_id)
        assert refusal is not None
        assert refusal.refused
        clinic.wait(clinic.filed)
        return clinic


def killed_round(directory: Path, seed: int) -> Clinic:
    """One outage, the daemon killed -9 three times at random moments."""
    dice = random.Random(seed)  # noqa: S311 - reproducible moments, no secret
    with running_clinic(directory) as clinic:
        goes_away(clinic)
        for _ in range(3):
            looks = dice.randint(1, 80)

            def some_looks_later() -> bool:
                nonlocal looks
                looks -= 1
                return looks <= 0 or clinic.filed()

            clinic.wait(some_looks_later)
            clinic.kill_daemon()
            clinic.start_daemon()
        clinic.wait(clinic.filed)
        clinic.wait(lambda: not any(clinic.is_off(host) for host in HOSTS))
        return clinic


Played = dict[str, "Future[Clinic]"]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """All outages, side by side: most of each is waiting."""
    plays: dict[str, Callable[[Path], Clinic]] = {
        "whole": whole_outage, "hung": hung_host, "half": half_way, "drill": lab_drill,
        **{f"killed{seed}": partial(killed_round, seed=seed) for seed in range(KILLED_ROUNDS)},
    }  # fmt: skip
    with ThreadPoolExecutor(len(plays)) as pool:
        yield {name: pool.submit(play, tmp_path_factory.mktemp(name)) for name, play in plays.items()}


def test_a_whole_outage_goes_down_in_order_and_comes_back(played: Played):
    clinic = played["whole"].result()
    record = clinic.records()[0]
    ws1, his1, own = (host_step(record, host) for host in HOSTS)
    assert (record.verdict, failed(record)) == (Verdict.PASSED, {})
    assert in_order(ws1.told_at, ws1.left_at, ws1.off_at, his1.told_at, his1.left_at, his1.off_at, own.told_at)
    assert in_order(record.dark_at, record.booted_at, his1.woken_at, his1.back_at, ws1.woken_at, ws1.back_at)
    assert (clinic.said, clinic.boots) == (dict.fromkeys(HOSTS, 1), 2)
    assert [step.clean for step in record.steps] == [True, True, True]


def test_a_host_that_hangs_is_named_and_the_others_go_in_time(played: Played):
    clinic = played["hung"].result()
    record = clinic.records()[0]
    assert [step.host for step in record.steps if step.hung] == ["his1"]
    assert clinic.said == {"ws1": 1, OWN: 1}
    assert record.verdict is Verdict.FAILED
    assert set(failed(record)) == {"hung:his1", "shutdown:his1", "database:his1/15/main"}


def test_mains_back_half_way_leaves_the_rest_up_and_wakes_who_went(played: Played):
    clinic = played["half"].result()
    record = clinic.records()[0]
    assert (record.verdict, record.dark_at, clinic.said) == (Verdict.PASSED, None, {"ws1": 1})
    assert "host_not_back" not in {event.code for event in record.events}, "nobody waits for who never went"


def test_a_lab_drill_runs_on_the_simulated_battery_until_everything_is_back(played: Played):
    record = played["drill"].result().records()[0]
    assert (record.cause, record.scope, record.operator, record.verdict) == (
        Cause.DRILL, "lab", "李伟", Verdict.PASSED,
    )  # fmt: skip
    assert record.runtime_at_start_seconds is not None


@pytest.mark.parametrize("seed", range(KILLED_ROUNDS))
def test_a_daemon_killed_at_any_moment_goes_on_and_sends_nobody_off_twice(played: Played, seed: int):
    clinic = played[f"killed{seed}"].result()
    (record,) = clinic.records()
    assert record.phase is Phase.FINISHED
    assert (record.verdict, failed(record)) == (Verdict.PASSED, {})
    assert clinic.said == dict.fromkeys(HOSTS, 1), "everybody went, and went once"
    assert clinic.boots == 2
