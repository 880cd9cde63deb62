"""Every code that the agents tell of power and devices has words and an explanation."""

from agent.devices.printer import ERRORS
from agent.polling import Trouble
from agent.power import codes
from agent.power.records import Cause, Phase, Verdict
from agent.power.request import HOWS
from agent.ups import reading
from agent.ups.agreement import FLAGS as COMPARED
from agent.ups.changes import CHANGES
from console.power import spans
from console.power.events import GROUPS
from console.power.happened import HAPPENED
from console.power.standing import CONDITIONS, FLAGS
from console.power.texts import CONDITIONS as EXPLAINED
from console.power.texts import TROUBLES
from console.power.words import CONDITION_WORDS
from console.store.models import State
from console.web.devices import CHARTS as DEVICE_CHARTS
from console.web.power_charts import CHARTS
from console.web.words import NAMED, WORDED

JOURNAL = {
    *("on_battery", "mains_back", "low_battery", "forced_shutdown", "replace_battery", "overload"),
    *("communication_lost", "communication_back", "unreachable", "reachable", "link_down", "link_up", "trap", "power"),
}
NEEDS_NO_WORDS = {"OL", "CHRG", "DISCHRG", "ECO", "TRIM", "BOOST"}  # normal, or the condition "corrected"


def test_every_trouble_and_event_is_explained() -> None:
    assert set(TROUBLES) == {trouble.value for trouble in Trouble}
    assert set(HAPPENED) >= JOURNAL | set(codes.EVENTS)
    assert {code for _flag, came, went in CHANGES for code in (came, went) if code} <= JOURNAL
    assert {code for group in GROUPS for code in group} <= JOURNAL


def test_every_condition_has_a_word_and_what_is_wrong_an_explanation() -> None:
    assert set(CONDITION_WORDS) == set(CONDITIONS)
    wrong = {name for name, state in CONDITIONS.items() if state not in {State.OK, State.MAINT}}
    assert set(EXPLAINED) == wrong
    assert set(FLAGS.values()) | NEEDS_NO_WORDS == {flag.value for flag in reading.Flag}


def test_every_value_of_the_other_rooms_has_a_word() -> None:
    assert {result.value for result in reading.TestResult} == set(WORDED["tests"])
    assert {phase.value for phase in Phase} == set(WORDED["power_phases"])
    assert {verdict.value for verdict in Verdict} == set(WORDED["power_verdicts"])
    assert {cause.value for cause in Cause} == set(NAMED["power_causes"])
    assert set(codes.CHECKS) <= set(NAMED["power_checks"])
    assert set(codes.DETAILS) <= set(NAMED["power_details"])
    assert spans.OFF_BEFORE in codes.DETAILS
    assert set(HOWS) == set(NAMED["scopes"])
    assert {how for hows in HOWS.values() for how in hows} == set(NAMED["hows"])
    assert set(ERRORS) == set(NAMED["printer_alerts"])
    assert set(COMPARED) <= set(NAMED["quantities"])


def test_every_chart_asks_for_series_of_its_own() -> None:
    for charts in (CHARTS, DEVICE_CHARTS):
        asked = [series for chart in charts for series, _label in chart.series]
        assert len(asked) == len(set(asked))
