"""From scrapes and problems to incidents and messages, on a real store."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from console.alerts.incidents import Desk as IncidentDesk
from console.alerts.incidents import NotOpenError
from console.audit.log import AuditLog
from console.notifications.message import Delivery, Outcome
from console.store.hosts import HostState
from console.store.incidents import AlertState, Incident, IncidentEvent, Notification, NotificationAttempt
from console.worker.keeping import Keeper
from tests.alerts.conftest import NOW, Desk, Samples, Series, ups

TROUBLE = "xinglin_ups_trouble"


def test_a_power_cut_is_one_incident_from_its_first_second_to_its_end(desk: Desk) -> None:
    desk.scrape(ups("OL"))
    desk.scrape(ups("OB"))
    desk.send()
    desk.scrape(ups("OB"))
    for _ in range(3):
        desk.scrape(ups("OL"))
    desk.send()
    (incident,) = desk.incidents()
    assert (incident.rule, incident.severity, incident.object) == ("ups_on_battery", "crit", "机柜 UPS (rack-ups)")
    assert incident.opened_at == NOW + timedelta(seconds=30)
    assert (incident.resolution, incident.resolved_at) == ("recovered", NOW + timedelta(seconds=90))
    title = "The mains is away: 机柜 UPS (rack-ups) runs on its battery"
    assert desk.routes.told("hook") == desk.routes.told("urgent") == [f"opened {title}", f"resolved {title}"]
    opened, resolved = (message for route, message in desk.routes.came if route == "hook")
    assert opened.title_zh == "市电中断：机柜 UPS (rack-ups) 正在用电池供电"
    assert opened.url == f"https://198.18.0.10:8443/incidents/{incident.id}"
    assert "2026-11-23 16:00" in opened.body_zh
    assert opened.key != resolved.key


def test_silence_freezes_and_never_ends_an_incident(desk: Desk) -> None:
    desk.scrape(ups("OB"))
    for _ in range(40):
        desk.scrape(None)
    assert desk.open() == ["ups_on_battery"]
    desk.scrape({}, after=600)  # answers, but tells nothing of the UPS: nothing is known either
    desk.restart()
    desk.scrape(ups(up=0, more={TROUBLE: [({"ups": "rack-ups", "source": "nut", "code": "no_data"}, 1.0)]}), after=600)
    assert "ups_on_battery" in desk.open()
    desk.scrape(ups("OL"))
    desk.scrape(ups("OL"), after=31)
    assert "ups_on_battery" not in desk.open()


@pytest.mark.parametrize("flags", [("COMMLOST",), (), ("OFF",)])
def test_a_card_that_has_lost_its_ups_or_knows_nothing_does_not_end_a_power_cut(
    desk: Desk, flags: tuple[str, ...]
) -> None:
    desk.scrape(ups("OB", "LB"))
    for _ in range(10):
        desk.scrape(ups(*flags), after=60)
    assert "ups_on_battery" in desk.open()
    assert ("ups_low_battery" in desk.open()) is (flags == ("COMMLOST",))
    desk.scrape(ups("BYPASS"))
    desk.scrape(ups("BYPASS"), after=61)
    assert "ups_on_battery" not in desk.open()


def test_trouble_is_over_only_when_reading_works(desk: Desk) -> None:
    labels = {"ups": "rack-ups", "source": "nut"}
    silent = ups(up=0, more={TROUBLE: [({**labels, "code": "unreachable"}, 1.0)]})
    desk.scrape(silent)
    desk.scrape(silent, after=61)
    assert desk.open() == ["ups_unreachable"]
    starting = ups(up=0, more={TROUBLE: [({**labels, "code": "not_started"}, 1.0)]})
    desk.scrape(starting)
    desk.scrape(starting, after=3600)
    assert desk.open() == ["ups_unreachable"]
    desk.scrape(ups("OL"))
    desk.scrape(ups("OL"), after=61)
    assert desk.open() == []
    assert desk.incidents()[0].texts["title"]["values"]["code"] == {"msgid": "no answer", "values": {}}


def test_an_expected_object_without_series_is_missed_only_by_a_host_that_answers(desk: Desk) -> None:
    switch = {"xinglin_device_up": ups()["xinglin_device_up"]}
    desk.scrape(None)
    desk.scrape(None, after=600)
    assert desk.phases() == {}
    desk.scrape(switch)
    desk.scrape(switch, after=121)
    assert desk.open() == ["ups_missing"]
    desk.scrape(ups("OL"))
    desk.scrape(ups("OL"), after=61)
    assert desk.open() == []


def test_an_old_reading_is_stale_by_the_agents_own_clock(desk: Desk) -> None:
    read: Samples = {"xinglin_ups_read_timestamp_seconds": [({"ups": "rack-ups", "source": "nut"}, 5_000.0)]}
    desk.scrape(ups("OL", more={**read, "node_time_seconds": [({}, 5_100.0)]}))
    assert desk.open() == []
    desk.scrape(ups("OL", more={**read, "node_time_seconds": [({}, 5_200.0)]}))
    assert desk.open() == ["ups_stale"]


def test_a_value_between_the_thresholds_changes_nothing_and_a_worse_one_is_told(desk: Desk) -> None:
    def hot(celsius: float) -> Samples:
        series = ({"ups": "rack-ups", "source": "nut"}, celsius)
        return ups("OL", more={"xinglin_ups_battery_temperature_celsius": [series]})

    for celsius in (39, 41, 41, 38, 51, 38, 41):
        desk.scrape(hot(celsius), after=301)
    (incident,) = desk.incidents()
    assert (incident.severity, incident.value, incident.resolved_at) == ("crit", 51.0, None)
    desk.scrape(hot(37), after=15)
    desk.scrape(hot(38), after=15)
    desk.scrape(hot(37), after=601)
    desk.scrape(hot(37), after=601)
    desk.send()
    kinds = {route: [text.split()[0] for text in desk.routes.told(route)] for route in ("hook", "urgent")}
    assert kinds == {"hook": ["opened", "worsened", "resolved"], "urgent": ["worsened", "resolved"]}
    assert "51.0 °C" in desk.routes.told("urgent")[0]


def test_an_interface_counts_only_when_it_has_a_name_and_is_switched_on(desk: Desk) -> None:
    def interface(alias: str, up: float, enabled: float) -> Samples:
        labels = {"device": "sw-core", "interface": "Gi0/1"}
        state: Samples = {"xinglin_interface_up": [({**labels, "alias": alias}, up)]}
        return ups("OL", more={**state, "xinglin_interface_enabled": [(labels, enabled)]})

    for samples in (interface("", 0, 1), interface("uplink", 0, 0), interface("uplink", 1, 1)):
        desk.scrape(samples)
        desk.scrape(samples, after=100)
    assert desk.incidents() == []
    desk.scrape(interface("uplink", 0, 1))
    desk.scrape(interface("uplink", 0, 1), after=31)
    assert [one.texts["title"]["values"]["alias"] for one in desk.incidents()] == ["uplink"]
    desk.scrape(interface("uplink", 0, 0))  # somebody has switched it off
    desk.scrape(interface("uplink", 0, 0), after=61)
    assert desk.open() == []


def test_a_counters_growth_counts_over_its_window_and_a_restart_is_no_growth(desk: Desk) -> None:
    def traps(count: float) -> Samples:
        clock = desk.clock().timestamp()
        unknown: Series = [({"result": "unknown_sender"}, count), ({"result": "accepted"}, 1e6 * count)]
        return ups("OL", more={"xinglin_snmp_traps_total": unknown, "node_time_seconds": [({}, clock)]})

    for count in (1000, 1005, 1009, 3, 1):
        desk.scrape(traps(count), after=100)
    assert desk.incidents() == []
    desk.scrape(traps(22), after=100)
    assert desk.open() == ["unknown_traps"]


def test_two_sources_of_one_ups_make_one_incident(desk: Desk) -> None:
    both = ups("OB")
    snmp = [({**labels, "source": "snmp"}, value) for labels, value in both["xinglin_ups_status"]]
    desk.scrape(ups("OB", more={"xinglin_ups_status": [*both["xinglin_ups_status"], *snmp]}))
    desk.scrape(ups("OL", more={"xinglin_ups_status": [*ups("OL")["xinglin_ups_status"], *snmp]}), after=60)
    desk.scrape(ups("OL", more={"xinglin_ups_status": [*ups("OL")["xinglin_ups_status"], *snmp]}), after=60)
    assert desk.open() == ["ups_on_battery"]  # one of them still says so


def host(desk: Desk, error: str | None, state: str, name: str = "his1", *, after: float = 0) -> None:
    desk.clock.moment += timedelta(seconds=after)
    with desk.sessions.begin() as session:
        row = session.get(HostState, name)
        if row is None:
            row = HostState(name=name, address="127.0.0.2", groups=[], zone="servers", first_seen=NOW, reasons=[])
            session.add(row)
        row.state, row.since, row.candidate_count = state, desk.clock(), 0
        row.last_attempt = row.last_seen = desk.clock()
        row.error_code = row.last_error = error
        row.failing_since = desk.clock() if error else None


def test_a_silent_host_is_one_incident_whatever_its_silence_is_called(desk: Desk) -> None:
    for error, state in (("refused", "late"), ("refused", "crit"), ("timed_out", "crit"), ("unreachable", "crit")):
        host(desk, error, state, after=30)
        desk.problems()
    assert [one.rule for one in desk.incidents() if one.host == "his1"] == ["host_down"]
    host(desk, "timed_out", "late", after=600)  # the first answer was lost again: nothing is known
    desk.problems()
    assert "host_down" in desk.open()
    host(desk, None, "ok", after=5)
    desk.problems()
    host(desk, None, "ok", after=61)
    desk.problems()
    assert "host_down" not in desk.open()


def test_hosts_that_their_ups_sent_off_are_held_back_until_they_should_be_back(desk: Desk) -> None:
    desk.scrape(ups("OB"))
    host(desk, "timed_out", "crit", after=200)
    desk.problems()
    (down,) = desk.incidents("host_down")
    assert down.held
    desk.send()
    assert len(desk.routes.told()) == 1
    desk.scrape(ups("OL"))
    desk.scrape(ups("OL"), after=31)
    host(desk, "timed_out", "crit", after=600)
    desk.problems()
    desk.send()
    assert not any("his1" in text for text in desk.routes.told())
    host(desk, "timed_out", "crit", after=400)
    desk.problems()
    desk.send()
    assert desk.routes.told()[-1].startswith("opened ")
    assert "his1" in desk.routes.told()[-1]
    with desk.sessions() as session:
        query = select(IncidentEvent.kind).where(IncidentEvent.incident_id == down.id).order_by(IncidentEvent.id)
        assert session.scalars(query).all() == ["opened", "held", "released"]


def test_a_held_host_that_comes_back_was_never_told_and_a_host_on_other_power_is(desk: Desk) -> None:
    desk.config = replace(desk.config, power=replace(desk.config.power, ups=(
        replace(desk.config.power.ups[0], powers=("his1",)),)))  # fmt: skip
    desk.restart()
    desk.scrape(ups("OB"))
    host(desk, "timed_out", "crit", after=200)
    host(desk, "timed_out", "crit", "appliance1")
    desk.problems()
    for seconds in (5, 61):
        host(desk, None, "ok", after=seconds)
        desk.problems()
    desk.send()
    down = {one.host: one.held for one in desk.incidents("host_down")}
    assert down == {"his1": True, "appliance1": False}
    assert not any("his1" in text for text in desk.routes.told())
    assert any("appliance1" in text for text in desk.routes.told())


def test_acts_of_people_are_kept_and_audited_and_a_closed_incident_stays_quiet(desk: Desk, audit: AuditLog) -> None:
    desk.scrape(ups("OB"))
    with desk.sessions.begin() as session:
        acts = IncidentDesk(session, desk.config, desk.clock())
        acts.acknowledge(audit, 1, "li.wei", "I am on my way")
        acts.resolve_by_person(audit, 1, "li.wei", "the generator runs")
    with desk.sessions() as session, pytest.raises(NotOpenError, match="incident 1 is not open"):
        IncidentDesk(session, desk.config, desk.clock()).acknowledge(audit, 1, "li.wei", "again")
    desk.send()
    for _ in range(10):
        desk.scrape(ups("OB"), after=3600)
    (incident,) = desk.incidents()
    assert (incident.acknowledged_by, incident.resolved_by, incident.resolution_reason) == (
        "li.wei", "li.wei", "the generator runs"
    )  # fmt: skip
    assert [text.split()[0] for text in desk.routes.told()] == ["opened", "resolved"]
    lines = audit.files.log(NOW.date()).read_text().splitlines()
    assert ["incident.acknowledged" in lines[0], "the generator runs" in lines[1]] == [True, True]
    for _ in range(15):
        desk.scrape(ups("OB"), after=3600)
    assert desk.open() == ["ups_on_battery"]  # it holds still, a day later
    assert len(desk.incidents()) == 2


def test_what_is_taken_out_of_the_configuration_is_closed(desk: Desk) -> None:
    desk.scrape(ups("OB"))
    desk.config = replace(desk.config, power=replace(desk.config.power, ups=()))
    desk.restart()
    desk.problems()
    assert desk.open() == ["ups_on_battery"]  # its agent has not spoken yet
    desk.scrape({})
    desk.problems()
    assert [(one.rule, one.resolution) for one in desk.incidents("ups_on_battery")] == [("ups_on_battery", "retired")]
    assert desk.phases()["ups_on_battery"] == "inactive"


def test_a_device_that_only_its_agent_knows_is_watched_as_long_as_the_agent_tells_of_it(desk: Desk) -> None:
    other = {"device": "ap-ward", "kind": "access_point", "source": "snmp"}
    up: Samples = {"xinglin_device_up": [*ups()["xinglin_device_up"], (other, 0.0)]}
    silent = ups("OL", more={**up, "xinglin_device_trouble": [({**other, "code": "unreachable"}, 1.0)]})
    desk.scrape(silent)
    desk.scrape(silent, after=61)
    desk.problems()
    desk.scrape(None)
    desk.problems()
    desk.restart()
    desk.problems()
    assert desk.open() == ["device_unreachable"]
    desk.scrape(ups("OL"))
    desk.problems()
    assert [one.resolution for one in desk.incidents()] == ["retired"]


def test_what_does_not_arrive_is_an_incident_told_on_the_other_route(desk: Desk) -> None:
    desk.routes.answer = lambda route, _message: (
        Delivery(Outcome.REFUSED, "errcode 93000: invalid webhook url") if route == "urgent"
        else Delivery(Outcome.DELIVERED, "200")
    )  # fmt: skip
    desk.scrape(ups("OB"))
    desk.send()
    desk.send()
    assert desk.routes.told("hook")[1].startswith("opened Notifications on the route urgent do not arrive")
    assert desk.open() == ["ups_on_battery", "notification_undelivered"]
    desk.routes.answer = lambda _route, _message: Delivery(Outcome.DELIVERED, "200")
    desk.scrape(ups("OL"))
    desk.scrape(ups("OL"), after=31)
    desk.send()
    assert desk.routes.told("urgent") == []  # nobody there was told of the problem
    with desk.sessions() as session:
        refused = session.scalars(select(Notification).where(Notification.state == "refused")).first()
        assert refused is not None
        assert refused.answer == "errcode 93000: invalid webhook url"
        attempts = session.scalars(select(NotificationAttempt.outcome)).all()
        assert attempts.count("refused") == 2  # the power cut, and the report of its own failure
    desk.scrape(ups("OB"))
    desk.send()
    desk.problems()
    assert "notification_undelivered" not in desk.open()


def test_old_incidents_are_forgotten_after_two_years_and_open_ones_are_not(desk: Desk, audit: AuditLog) -> None:
    desk.scrape(ups("OB"))
    desk.scrape(ups("OL"))
    desk.scrape(ups("OL"), after=31)
    desk.scrape(ups("OL", "RB"))
    desk.scrape(ups("OL", "RB"), after=301)
    later = AuditLog(audit.root, now=lambda: NOW + timedelta(days=733), mono=lambda: 1)
    Keeper(desk.sessions, later, "appliance1").clean()
    assert [one.rule for one in desk.incidents()] == ["ups_replace_battery"]
    with desk.sessions() as session:
        assert {one.incident_id for one in session.scalars(select(Notification))} == {desk.incidents()[0].id}
        assert [one.rule for one in session.scalars(select(AlertState))] == ["ups_replace_battery"]
        assert session.scalars(select(Incident)).one().resolved_at is None
