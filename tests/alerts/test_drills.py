"""Drills and alerts: what a drill brings about says so, at once and everywhere; what is real never does."""

import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from console.alerts.documents import open_documents
from console.alerts.sender import Sender
from console.alerts.shown import rule_problems
from console.alerts.upkeep import forget_incidents
from console.history import Writer
from console.notifications.message import Channel, Delivery, Message, Outcome, Route
from console.notifications.redaction import Redactor
from console.notifications.routes import FacilityRoutes
from console.notifications.transport import trusting
from console.notifications.webhook import WebhookTransport
from console.notifications.writing import Style, write
from console.power.drills import ANNOUNCED, MAINS_BACK, UNTIL, take_in_drills
from console.power.ingest import PowerIngest
from console.power.plan import PowerPlan, Ups
from console.rules.problem import Severity
from console.store.incidents import IncidentEvent, Notification
from console.store.power import PowerDrill
from tests.agent.pki import Authority
from tests.alerts.conftest import NOW, Desk, Samples, ups
from tests.alerts.test_engine import host
from tests.notifications.cloud import CloudStandIn

DRILL = "20261123T075900Z-rack-ups-0a0068"
ZH, EN = "【演练】", "[Drill] "


def drilled(how: str = "unplug", *, mains_back: bool = False, hours: float = 3, drill: str = DRILL) -> Samples:
    """Return what the agent of the UPS's host tells of a drill."""
    labels = {"ups": "rack-ups", "drill": drill, "how": how}
    began = (NOW - timedelta(minutes=1)).timestamp()
    return {
        ANNOUNCED: [(labels, began)],
        UNTIL: [(labels, began + hours * 3600)],
        MAINS_BACK: [(labels, float(mains_back))],
    }


def heard(desk: Desk, samples: Samples, name: str = "appliance1", *, after: float = 15) -> None:
    """Take a scrape as the worker does: into the store, then to the alerts."""
    at = desk.clock() + timedelta(seconds=after)
    with desk.sessions.begin() as session:
        PowerIngest(Writer()).take_in(session, name, samples, at)
    desk.scrape(samples, name, after=after)


def titles(desk: Desk) -> list[str]:
    desk.send()
    return [f"{one.kind} {EN if one.drill else ''}{one.title_en.split(':')[0]}" for route, one in desk.routes.came
            if route == "hook"]  # fmt: skip


AWAY = "The mains is away"


def test_a_drill_is_told_as_one_from_its_first_message_to_its_last(desk: Desk) -> None:
    heard(desk, ups("OL", more=drilled()))
    heard(desk, ups("OB", more=drilled()))
    heard(desk, ups("OB", "LB", more=drilled()))
    heard(desk, ups("OL", more=drilled(mains_back=True)))
    heard(desk, ups("OL", more=drilled(mains_back=True)), after=61)
    heard(desk, ups("OL"))
    assert {(one.rule, one.drill) for one in desk.incidents()} == {
        ("ups_on_battery", DRILL),
        ("ups_low_battery", DRILL),
    }
    assert desk.open() == []
    came = titles(desk)
    assert len(came) == 4
    assert all(EN in one for one in came)
    opened = desk.routes.came[0][1]
    assert (opened.drill, opened.drill_url) == (DRILL, f"https://198.18.0.10:8443/power/records/{DRILL}")
    assert f"/power/records/{DRILL}" in opened.body_zh
    assert "供电演练" in opened.body_zh
    assert "power drill" in opened.body_en
    with desk.sessions() as session:
        kinds = session.scalars(select(IncidentEvent.kind).where(IncidentEvent.incident_id == 1)).all()
    assert kinds == ["opened", "drill", "resolved"]


@pytest.mark.parametrize("flags", [("OB",), ("OL", "RB")])
def test_without_a_drill_nothing_is_one(desk: Desk, flags: tuple[str, ...]) -> None:
    heard(desk, ups("OL"))
    heard(desk, ups(*flags))
    heard(desk, ups(*flags), after=301)
    assert [one.drill for one in desk.incidents()] == [None]


def test_what_the_drill_does_not_touch_is_real(desk: Desk) -> None:
    other = Ups("vault-ups", "异地库 UPS", "his1", ("his1",), "usb")
    rack = replace(desk.config.power.ups[0], powers=("appliance1",))
    desk.config = replace(desk.config, power=PowerPlan((rack, other)))
    desk.restart()
    heard(desk, ups("OB", "RB", more=drilled()))
    heard(desk, ups("OB", "RB", more=drilled()), after=301)  # a battery that wants replacing does so after it, too
    vault: Samples = {"xinglin_ups_status": [({"ups": "vault-ups", "source": "nut", "flag": "OB"}, 1.0)]}
    heard(desk, vault, "his1")
    host(desk, "timed_out", "crit", after=200)
    host(desk, "timed_out", "crit", "appliance1")
    desk.problems()
    found = {(one.rule, one.host or one.labels["ups"]): one.drill for one in desk.incidents()}
    assert found == {
        ("ups_on_battery", "rack-ups"): DRILL,
        ("ups_replace_battery", "rack-ups"): None,
        ("ups_on_battery", "vault-ups"): None,
        ("host_down", "his1"): None,
        ("host_down", "appliance1"): DRILL,
    }


def test_only_the_upss_own_host_may_say_that_it_is_a_drill(desk: Desk) -> None:
    heard(desk, drilled(), "his1")
    heard(desk, ups("OB"))
    assert [one.drill for one in desk.incidents()] == [None]


def test_the_mains_that_goes_again_after_the_drill_gave_it_back_is_real(desk: Desk) -> None:
    heard(desk, ups("OB", more=drilled()))
    heard(desk, ups("OL", more=drilled(mains_back=True)))
    heard(desk, ups("OL", more=drilled(mains_back=True)), after=31)
    heard(desk, ups("OB", more=drilled(mains_back=True)))
    assert titles(desk) == [f"opened {EN}{AWAY}", f"resolved {EN}{AWAY}", f"opened {AWAY}"]


def test_the_mains_that_stays_away_after_the_drill_is_told_as_real(desk: Desk) -> None:
    heard(desk, ups("OB", more=drilled()))
    heard(desk, ups("OB"))  # the drill is over, and the UPS still on battery
    desk.problems()
    assert titles(desk) == [f"opened {EN}{AWAY}"]
    heard(desk, ups("OB"), after=121)
    desk.problems()
    desk.problems(after=60)
    heard(desk, ups("OL"))
    heard(desk, ups("OL"), after=31)
    assert titles(desk) == [f"opened {EN}{AWAY}", f"real {AWAY}", f"resolved {AWAY}"]
    real = next(one for _route, one in desk.routes.came if one.kind == "real")
    assert "请按真实情况处理" in real.body_zh
    assert "供电演练" not in real.body_zh


@pytest.mark.parametrize("end", ["until", "silent host", "restart"])
def test_a_drill_that_never_ends_ends_by_itself(desk: Desk, end: str) -> None:
    heard(desk, ups("OB", more=drilled(hours=1 if end == "until" else 3)))
    host(desk, None, "ok", "appliance1")
    if end == "silent host":
        host(desk, "timed_out", "crit", "appliance1")
    if end == "restart":
        desk.restart()
    desk.scrape(None)
    for _ in range(25):
        desk.problems(after=60)
    assert desk.incidents("ups_on_battery")[0].drill == DRILL  # 25 minutes of darkness belong to it
    desk.problems(after={"until": 40 * 60, "silent host": 10 * 60, "restart": 170 * 60}[end])
    assert desk.incidents("ups_on_battery")[0].drill is None
    assert f"real {AWAY}" in titles(desk)


def test_a_host_that_does_not_come_back_is_told_as_real_when_the_drill_is_over(desk: Desk) -> None:
    heard(desk, ups("OB", more=drilled()))
    host(desk, "timed_out", "crit", after=200)
    host(desk, None, "ok", "appliance1")
    desk.problems()
    heard(desk, ups("OL", more=drilled(mains_back=True)))
    heard(desk, ups("OL", more=drilled(mains_back=True)), after=31)
    desk.problems()
    assert [(one.held, one.drill) for one in desk.incidents("host_down")] == [(True, DRILL)]
    heard(desk, ups("OL"), after=600)  # the record is filed: it did not come back
    desk.problems(after=121)
    assert [(one.held, one.drill) for one in desk.incidents("host_down")] == [(True, None)]
    host(desk, "timed_out", "crit", after=300)
    host(desk, None, "ok", "appliance1")
    desk.problems()
    assert titles(desk)[-1] == "opened his1 does not answer"


def test_a_battery_test_touches_the_ups_and_no_host_and_an_input_without_volts_is_no_test(desk: Desk) -> None:
    def tested(volts: float) -> Samples:
        line = {"ups": "rack-ups", "source": "nut", "line": "1"}
        more: Samples = {"xinglin_ups_input_voltage_volts": [(line, volts)]}
        return ups("OB", more=more | drilled("test", hours=0.25))

    heard(desk, tested(229))
    host(desk, "timed_out", "crit", after=5)
    desk.problems()
    assert {one.rule: one.drill for one in desk.incidents()} == {"ups_on_battery": DRILL, "host_down": None}
    heard(desk, tested(0))  # the mains went in the middle of it
    assert desk.incidents("ups_on_battery")[0].drill is None
    assert titles(desk) == [f"opened {EN}{AWAY}", f"real {AWAY}"]
    heard(desk, tested(229))  # once real, always real
    assert desk.incidents("ups_on_battery")[0].drill is None


def test_a_mains_that_is_away_before_the_test_begins_to_show_it_is_real_from_the_start(desk: Desk) -> None:
    line = {"ups": "rack-ups", "source": "nut", "line": "1"}
    heard(desk, ups("OB", more={"xinglin_ups_input_voltage_volts": [(line, 0.0)], **drilled("test")}))
    assert titles(desk) == [f"opened {AWAY}"]


def test_a_drill_that_is_heard_of_late_is_told_once_and_only_to_whoever_took_it_for_an_outage(desk: Desk) -> None:
    heard(desk, ups("OB"))
    assert titles(desk) == [f"opened {AWAY}"]
    heard(desk, ups("OB", more=drilled()))
    heard(desk, ups("OB", more=drilled()))
    heard(desk, ups("OL", more=drilled(mains_back=True)))
    heard(desk, ups("OL", more=drilled(mains_back=True)), after=31)
    assert titles(desk) == [f"opened {AWAY}", f"drill {EN}{AWAY}", f"resolved {EN}{AWAY}"]


def test_an_outage_from_before_the_announcement_never_becomes_a_drill(desk: Desk) -> None:
    desk.clock.moment -= timedelta(minutes=5)
    heard(desk, ups("OB"))
    desk.clock.moment += timedelta(minutes=5)
    heard(desk, ups("OB", more=drilled()))
    desk.problems(after=60)
    assert [one.drill for one in desk.incidents("ups_on_battery")] == [None]


def test_what_is_told_is_what_was_when_it_happened_however_late_it_is_sent(desk: Desk) -> None:
    desk.routes.answer = lambda _route, _message: Delivery(Outcome.RETRY, "no answer")
    heard(desk, ups("OB", more=drilled()))
    desk.send()
    heard(desk, ups("OL", more=drilled(mains_back=True)))
    heard(desk, ups("OL"), after=31)
    heard(desk, ups("OL"), after=600)
    heard(desk, ups("OB"))  # a real one, minutes after
    desk.routes.answer = lambda _route, _message: Delivery(Outcome.DELIVERED, "200")
    desk.restart()
    titles(desk)
    desk.clock.moment += timedelta(minutes=11)
    assert titles(desk) == [f"opened {EN}{AWAY}", f"resolved {EN}{AWAY}", f"opened {AWAY}"]


def test_an_agent_that_forgets_its_drill_for_a_moment_changes_nothing(desk: Desk) -> None:
    heard(desk, ups("OB", more=drilled()))
    heard(desk, ups("OB"))
    heard(desk, ups("OB", more=drilled()))
    heard(desk, ups("OB", more=drilled()), after=300)
    desk.problems()
    assert titles(desk) == [f"opened {EN}{AWAY}"]


def test_lists_and_documents_say_it_too(desk: Desk) -> None:
    heard(desk, ups("OB", more=drilled()))
    with desk.sessions() as session:
        (document,) = open_documents(session)
        (problem,) = rule_problems(session)
    assert document["drill"] == DRILL
    assert document["title_zh"].startswith(ZH + "市电中断")
    assert problem.title.translate("en").startswith(EN + AWAY)


def test_drills_are_forgotten_with_the_incidents(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        take_in_drills(session, "appliance1", drilled(), NOW)
        forget_incidents(session, NOW, NOW - timedelta(days=1))
        assert session.get(PowerDrill, DRILL) is not None
        forget_incidents(session, NOW + timedelta(days=9), NOW + timedelta(days=8))
        assert session.get(PowerDrill, DRILL) is None


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


@pytest.fixture
def receiver(authority: Authority) -> Iterator[CloudStandIn]:
    running = CloudStandIn(authority.issue("hook.test"))
    yield running
    running.close()


def webhook(desk: Desk, receiver: CloudStandIn, context: ssl.SSLContext) -> Callable[[], list[dict[str, object]]]:
    """Let the desk tell by a real webhook; return how to send what is due and read all that has arrived."""
    route = Route("hook", Channel.WEBHOOK, (Severity.WARN, Severity.CRIT))
    transport = WebhookTransport(receiver.address(), "key", context, desk.clock)
    desk.routes = FacilityRoutes({route: transport}, Redactor(["key"]))  # type: ignore[assignment]
    desk.restart()

    def arrived() -> list[dict[str, object]]:
        Sender(desk.sessions, desk.routes, desk.clock, lambda: None).send_due("hook")
        return [message for asked in receiver.asked for message in json.loads(asked.body)["messages"]]

    return arrived


def test_a_real_receiver_reads_it_in_the_title_and_in_a_field(
    desk: Desk, receiver: CloudStandIn, authority: Authority
) -> None:
    arrived = webhook(desk, receiver, trusting(authority.certificate))
    heard(desk, ups("OB", more=drilled()))
    heard(desk, ups("OL"), after=15)  # the drill is over before anything was sent
    first = arrived()[0]
    assert first["drill"] == {"id": DRILL, "url": f"https://198.18.0.10:8443/power/records/{DRILL}"}
    assert str(first["title_zh"]).startswith(f"{ZH}市电中断")
    assert str(first["title_en"]).startswith(f"{EN}{AWAY}")
    heard(desk, ups("OL"), after=31)
    heard(desk, ups("OB"))
    second, third = arrived()[1:]
    assert (second["kind"], second["drill"] is None) == ("resolved", False)
    assert (third["kind"], third["drill"]) == ("opened", None)
    assert str(third["title_zh"]).startswith("市电中断")


def test_a_message_that_an_older_version_queued_is_still_sent(desk: Desk) -> None:
    heard(desk, ups("OB"))
    with desk.sessions.begin() as session:
        for row in session.scalars(select(Notification)):
            row.message = {key: one for key, one in row.message.items() if not key.startswith("drill")}
    assert titles(desk) == [f"opened {AWAY}"]


def test_a_summary_puts_what_is_real_first(desk: Desk) -> None:
    def message(number: int, severity: Severity, drill: str | None) -> Message:
        heard(desk, ups("OB", more=drilled()))
        desk.send()
        return replace(desk.routes.came[0][1], key=f"k{number}", severity=severity, title_zh=f"{number}", drill=drill)

    style = Style("zh_CN", desk.config.facility.zone)
    drill, real = message(1, Severity.CRIT, DRILL), message(2, Severity.WARN, None)
    lines = write([drill, real], style).body.splitlines()
    assert lines[2].startswith("【预警】2")
    assert lines[3].startswith(f"{ZH}【严重】1")
    assert not write([drill, real], style).title.startswith(ZH)
    assert write([drill, drill], style).title.startswith(ZH)
    assert write([drill], style).title.startswith(f"{ZH}【严重】1")
