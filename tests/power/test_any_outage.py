"""Seeded random outages, with a daemon that is killed at random moments: what must hold in each of them."""

import random

import pytest

from agent.power.plan import MARGIN
from agent.power.records import Phase, Verdict
from agent.power.state import ForceStage, ForceUps, host_step
from tests.power.simulated import OWN, SimulatedClinic, plan

SEEDS = range(60)


def clinic_of(dice: random.Random) -> SimulatedClinic:
    takes = tuple(float(dice.randint(20, 120)) for _ in range(3))
    need = MARGIN * sum(takes)
    thresholds = sorted((need * dice.uniform(0.2, 2) + 30 for _ in range(3)), reverse=True)
    clinic = SimulatedClinic(plan(below=tuple(thresholds), takes=takes), runtime_seconds=need * dice.uniform(1.1, 4))
    for stage in clinic.ups.stages:
        for host in stage.hosts:
            one = clinic.hosts[host.name]
            one.down_seconds = stage.takes_seconds * dice.uniform(0.2, 0.95)
            one.up_seconds = dice.uniform(5, 60)
            if host.name != OWN and dice.random() < 0.15:
                one.hangs = True
            elif host.name != OWN and dice.random() < 0.1:
                one.on = False
    clinic.mute_runtime = dice.random() < 0.1
    return clinic


def goes_dark(dice: random.Random, clinic: SimulatedClinic, kills: float) -> None:
    clinic.run(5)
    clinic.mains = False
    mains_at = dice.uniform(5, clinic.full * 1.5)
    for _ in range(int(mains_at)):
        clinic.tick(crash=dice.random() < kills)
    clinic.mains = True
    for _ in range(4000):
        if clinic.filed:
            return
        clinic.tick(crash=dice.random() < kills / 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_order_time_and_record_hold_in_any_outage(seed: int):
    dice = random.Random(seed)  # noqa: S311 - a reproducible outage, no secret
    clinic = clinic_of(dice)
    goes_dark(dice, clinic, kills=0.05 if seed % 2 else 0.0)
    record = clinic.filed[0]

    orders = [action for _, action in clinic.actions if isinstance(action, ForceStage | ForceUps)]
    names = [action.latch if isinstance(action, ForceStage) else action.ups for action in orders]
    assert names == [stage.latch or clinic.ups.name for stage in clinic.ups.stages][: len(names)], "order kept"
    assert all(len(host.told) <= 1 for host in clinic.hosts.values()), "nobody is told twice"
    told = [host.told[0] for host in clinic.hosts.values() if host.told]
    assert not clinic.own.told or clinic.own.told[0] == max(told), "the last is the primary"
    cut = {host.name for host in clinic.hosts.values() if host.cut}
    hung = {host.name for host in clinic.hosts.values() if host.hangs}
    if not clinic.mute_runtime:  # the charge alone is known to the percent only
        assert cut <= hung, "everybody who can hear is off before the battery is empty"

    assert record.phase is Phase.FINISHED
    named = {step.host for step in record.steps if step.hung}
    assert named <= hung, "nobody is called hung who went"
    at = {action.latch: seconds for seconds, action in clinic.actions if isinstance(action, ForceStage)}
    for ahead, stage in zip(clinic.ups.stages, clinic.ups.stages[1:], strict=False):
        if ahead.latch in at and stage.latch in at:
            over = {one.detail: one.at for one in record.events if one.code == "stage_late"}
            late = next((moment for detail, moment in over.items() if detail.startswith(ahead.name)), None)
            began = host_step(record, ahead.hosts[0].name).told_at
            if late is not None and began is not None:
                assert (late - began).total_seconds() <= ahead.takes_seconds + 1, "a hung host is left behind in time"
    if not hung and not cut and record.verdict is not Verdict.ERROR:
        assert record.dark_at is None or all(host.on or not host.told for host in clinic.hosts.values())
        assert {check.name for check in record.checks if not check.passed} <= {"order"}


def test_the_random_outages_are_of_every_kind():
    kinds = {"dark": 0, "short": 0, "hung": 0, "half": 0}
    for seed in range(30):
        dice = random.Random(seed)  # noqa: S311 - a reproducible outage, no secret
        clinic = clinic_of(dice)
        goes_dark(dice, clinic, kills=0.0)
        record = clinic.filed[0]
        kinds["dark"] += record.dark_at is not None
        kinds["short"] += not record.begun
        kinds["half"] += bool(record.begun) and record.dark_at is None
        kinds["hung"] += any(step.hung for step in record.steps)
    assert min(kinds.values()) > 0, kinds
