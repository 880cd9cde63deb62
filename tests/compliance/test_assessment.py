"""From item results to a system: merging, rates as intervals, the forecast."""

from dataclasses import dataclass

import pytest

from compliance.assessment import Conclusion, Interval, assess, conclude, rates
from compliance.catalogue import load_catalogue
from compliance.judge import judge
from compliance.results import Verdict
from compliance.texts import render
from tests.compliance.facts import an_hour_after, recorded

CATALOGUE = load_catalogue()
GOOD, PART, BAD, NONE, OPEN = (
    Verdict.COMPLIANT,
    Verdict.PARTIAL,
    Verdict.NONCOMPLIANT,
    Verdict.NOT_APPLICABLE,
    Verdict.UNTESTED,
)


@dataclass(frozen=True)
class ByHand:
    """A result that a person entered."""

    requirement: str
    host: str
    verdict: Verdict
    high_risk: tuple[str, ...] = ()
    major_risks: tuple[str, ...] = ()


def everything(verdict: Verdict, level: int = 2) -> list[ByHand]:
    """Return one result for every requirement of the level."""
    return [ByHand(item.id, "his1", verdict) for item in CATALOGUE.at(level, mobile=False)]


def test_both_readings_of_the_rate_are_intervals_with_the_untested_share():
    found = rates([GOOD] * 5 + [PART] * 2 + [BAD] + [OPEN] * 2 + [NONE] * 3)
    assert found.applicable == 10
    assert found.strict == Interval(0.5, 0.7)
    assert found.half == Interval(0.6, 0.8)
    assert found.untested_share == 0.2


def test_the_worked_example_of_the_two_readings():
    found = rates([GOOD] * 150 + [PART] * 40 + [BAD] * 10)
    assert (found.strict.low, found.half.low) == (0.75, 0.85)


def test_nothing_applicable_gives_no_division_by_zero():
    assert rates([NONE]).strict == Interval(0.0, 0.0)


@pytest.mark.parametrize(
    ("rate", "major", "expected"),
    [
        (0.95, 0, Conclusion.COMPLIANT),
        (0.95, 1, Conclusion.MOSTLY_PRESUMED),
        (0.90, 0, Conclusion.BORDERLINE),
        (0.75, 3, Conclusion.MOSTLY),
        (0.60, 0, Conclusion.BORDERLINE),
        (0.59, 0, Conclusion.NONCOMPLIANT),
    ],
)
def test_the_forecast_follows_the_letter_of_2025_and_names_its_gaps(rate: float, major: int, expected: Conclusion):
    assert conclude(rate, major) is expected


def test_with_nothing_judged_everything_is_open():
    state = assess([], 2, CATALOGUE)
    assert (state.rates.strict, state.rates.untested_share) == (Interval(0.0, 1.0), 1.0)
    assert (state.worst, state.best) == (Conclusion.NONCOMPLIANT, Conclusion.COMPLIANT)
    assert {group.verdict for group in state.layers} == {OPEN}


@pytest.mark.parametrize(("level", "items", "points"), [(2, 135, 68), (3, 211, 71)])
def test_items_control_points_and_layers_are_all_there(level: int, items: int, points: int):
    state = assess(everything(GOOD, level), level, CATALOGUE)
    assert (len(state.items), len(state.control_points), len(state.layers)) == (items, points, 10)
    assert state.worst is Conclusion.COMPLIANT
    assert state.rates.applicable == items


def test_the_mobile_extension_is_added_where_there_are_wireless_devices():
    assert len(assess([], 2, CATALOGUE, mobile=True).items) == 149


def test_several_objects_are_merged_and_each_is_kept():
    state = assess(
        [
            ByHand("7.1.4.1.a", "his1", GOOD),
            ByHand("7.1.4.1.a", "appliance1", BAD),
            ByHand("7.1.4.1.a", "printer", NONE),
            ByHand("7.1.4.1.b", "his1", GOOD),
            ByHand("7.1.4.1.b", "appliance1", OPEN),
        ],
        2,
        CATALOGUE,
    )
    items = {item.requirement.id: item for item in state.items}
    assert items["7.1.4.1.a"].verdict is PART
    assert items["7.1.4.1.a"].objects == {"his1": GOOD, "appliance1": BAD, "printer": NONE}
    assert items["7.1.4.1.b"].verdict is OPEN
    point = next(group for group in state.control_points if group.control_point == "身份鉴别")
    assert (point.layer, point.verdict) == ("安全计算环境", PART)
    assert point.counts == {PART: 1, OPEN: 2}


def test_a_major_risk_keeps_the_best_case_from_being_compliant():
    results = [*everything(GOOD), ByHand("7.1.4.1.a", "vault1", PART, ("6.4.1.1",), ("A-18",))]
    state = assess(results, 2, CATALOGUE)
    assert state.high_risk == {"6.4.1.1": ("vault1",)}
    assert state.major_risks == ("A-18",)
    assert state.best is Conclusion.MOSTLY_PRESUMED


def test_a_result_for_another_level_is_refused():
    with pytest.raises(KeyError, match=r"8\.1\.4\.1\.a"):
        assess([ByHand("8.1.4.1.a", "his1", GOOD)], 2, CATALOGUE)


def test_two_real_hosts_make_one_state_labelled_as_a_self_check():
    hosts = [recorded("debian12-hardened"), {**recorded("debian13-default"), "host": "vault1"}]
    results = [result for facts in hosts for result in judge(facts, 2, an_hour_after(facts))]
    state = assess(results, 2, CATALOGUE)
    judged = {item.requirement.id: item.verdict for item in state.items if item.objects}
    assert len(judged) == 10
    assert judged["7.1.4.1.a"] is PART
    assert judged["7.1.4.1.b"] is PART
    assert judged["7.1.4.4.b"] is GOOD
    assert judged["7.1.4.5"] is BAD
    assert judged["7.1.4.8.a"] is OPEN
    assert state.high_risk == {"6.4.4.1": ("his1", "vault1")}
    assert "自查" in render(state.label, "zh_CN")
    assert "2025" in render(state.label, "en")
