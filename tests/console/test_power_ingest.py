"""What the worker takes in of power: each moment once, rates by the device's own clock, bounded history, records."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.polling import Standing, Trouble
from agent.power.records import to_json
from agent.ups.reading import Flag
from console.config import load_config
from console.history import Writer
from console.power.boots import Boot, Database, load_boots, read_boot
from console.power.device_digest import device_snapshots
from console.power.events import note_event
from console.power.ingest import PowerIngest, ingest_power
from console.power.plan import Device, Stage, Ups
from console.power.series import device_points, ups_points
from console.power.snapshot import DeviceSnapshot, UpsSnapshot
from console.power.spans import Kind, spans
from console.power.ups_digest import ups_snapshots
from console.store.models import BootReport, DeviceLatest, MetricSeries, PowerEvent, PowerRecordRow, UpsLatest
from console.worker.exposition import PageParser, Samples
from tests.console.conftest import NOW
from tests.web import electricity

PARSER = PageParser()


def samples(text: str) -> Samples:
    return PARSER.parse(text)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def ingest() -> PowerIngest:
    return PowerIngest(Writer())


def switch_page(uptime: float, ports: int) -> Samples:
    """Return the metrics of a switch that has run for so long."""
    told = Standing("sw-core", "switch", "snmp", electricity.switch(uptime, ports), NOW.timestamp(), None)
    return samples(electricity.devices_page([told]))


def tell(session: Session, ingest: PowerIngest, seconds: float, **sources: object) -> None:
    """Take in what the sources say at that moment."""
    standings = [
        electricity.standing(reading, source, at(seconds))  # type: ignore[arg-type]
        for source, reading in sources.items()
    ]
    ingest.take_in(session, "appliance1", samples(electricity.ups_page(standings)), at(seconds))


def events(session: Session) -> list[tuple[str, str]]:
    rows = session.scalars(select(PowerEvent).order_by(PowerEvent.at, PowerEvent.id))
    return [(row.source, row.code) for row in rows]


def test_a_page_becomes_snapshots_that_the_store_gives_back() -> None:
    page = electricity.ups_page([electricity.standing(electricity.ON_BATTERY, "snmp", NOW)], [("rack-ups", "load")])
    shown = ups_snapshots(samples(page))["rack-ups", "snmp"]
    assert shown.up
    assert set(shown.flags) == {"OB", "DISCHRG"}
    assert (shown.charge_ratio, shown.runtime_seconds, shown.input_volts) == (0.62, 1130, (0.0,))
    assert (shown.test, shown.alarms, shown.disagreements) == ("passed", ("upsAlarmOnBattery",), ("load",))
    assert (shown.model, shown.mib) == ("Smart-UPS X 1500", "PowerNet-MIB")
    assert UpsSnapshot.from_json(json.loads(json.dumps(shown.to_json()))) == shown


def test_three_phases_are_three_lines_in_order() -> None:
    reading = replace(electricity.ON_MAINS, input_volts=(229.0, None, 231.0))
    shown = ups_snapshots(samples(electricity.ups_page([electricity.standing(reading, "nut", NOW)])))["rack-ups", "nut"]
    assert shown.input_volts == (229.0, 231.0)
    assert [(label, value) for name, label, value in ups_points(shown) if name == "ups_input_volts"] == [
        ("L1", 229.0),
        ("L2", 231.0),
    ]


def test_a_power_cut_is_told_once_by_whoever_is_first(session: Session, ingest: PowerIngest) -> None:
    tell(session, ingest, 0, nut=electricity.ON_MAINS, snmp=electricity.ON_MAINS)
    assert events(session) == []  # what was never away is no news
    for source, seconds in (("trap", 10.0), ("nut", 10.4), ("snmp", 12.0)):
        event = {"at": electricity.moment(at(seconds)), "device": "rack-ups", "source": source, "code": "on_battery"}
        assert note_event(session, "appliance1", event) is (source == "trap")
    tell(session, ingest, 13, nut=electricity.ON_BATTERY, snmp=electricity.ON_MAINS)
    tell(session, ingest, 28, nut=electricity.ON_BATTERY, snmp=electricity.ON_BATTERY)
    low = replace(electricity.ON_BATTERY, flags=frozenset({Flag.ON_BATTERY, Flag.LOW_BATTERY}))
    tell(session, ingest, 43, nut=low, snmp=electricity.ON_BATTERY)
    tell(session, ingest, 58, nut=low, snmp=low)
    tell(session, ingest, 73, nut=electricity.ON_MAINS, snmp=low)
    tell(session, ingest, 88, nut=electricity.ON_MAINS, snmp=electricity.ON_MAINS)
    assert events(session) == [("trap", "on_battery"), ("nut", "low_battery"), ("nut", "mains_back")]


def test_what_happened_in_silence_is_told_when_the_ups_is_read_again(session: Session, ingest: PowerIngest) -> None:
    tell(session, ingest, 0, nut=electricity.ON_BATTERY)
    tell(session, ingest, 15, nut=None)
    tell(session, ingest, 30, nut=electricity.ON_MAINS)
    assert [code for _source, code in events(session)] == ["on_battery", "unreachable", "reachable", "mains_back"]
    row = session.get_one(UpsLatest, ("rack-ups", "nut"))
    assert row.since == at(30)


def test_a_source_that_stays_silent_does_not_answer_again_by_the_others_word(
    session: Session, ingest: PowerIngest
) -> None:
    tell(session, ingest, 0, nut=electricity.ON_MAINS, snmp=None)
    tell(session, ingest, 15, nut=electricity.ON_BATTERY, snmp=None)
    tell(session, ingest, 30, nut=electricity.ON_BATTERY, snmp=electricity.ON_BATTERY)
    assert events(session) == [("snmp", "unreachable"), ("nut", "on_battery"), ("snmp", "reachable")]


def test_a_ups_that_charges_is_in_no_new_state(session: Session, ingest: PowerIngest) -> None:
    tell(session, ingest, 0, nut=electricity.ON_MAINS)
    full = replace(electricity.ON_MAINS, flags=frozenset({Flag.ON_LINE}))
    tell(session, ingest, 15, nut=full)
    assert session.get_one(UpsLatest, ("rack-ups", "nut")).since == at(0)


@pytest.mark.parametrize("event", [{}, {"at": "now", "device": "d", "source": "s", "code": "c"}, {"at": 5}])
def test_what_is_no_event_is_refused(session: Session, event: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no event"):
        note_event(session, "appliance1", event)


def test_links_are_told_port_by_port(session: Session) -> None:
    told = []
    for seconds, code, port in (
        (0, "link_up", "1"),
        (1, "link_down", "1"),
        (2, "link_down", "2"),
        (3, "link_down", "1"),
    ):
        event = {"at": electricity.moment(at(seconds)), "device": "sw", "source": "trap", "code": code, "detail": port}
        told.append(note_event(session, "appliance1", event))
    assert told == [False, True, True, False]


def test_rates_go_by_the_devices_own_clock_and_begin_anew_after_its_restart() -> None:
    first, counters = device_snapshots(switch_page(1000, 2), 0.0, {})["sw-core"]
    assert first.interfaces[0].receive_rate is None
    second, counters = device_snapshots(switch_page(1030, 2), 15.0, {"sw-core": counters})["sw-core"]
    assert second.interfaces[0].receive_rate == pytest.approx(4.1e6)
    between, counters = device_snapshots(switch_page(1030, 2), 30.0, {"sw-core": counters})["sw-core"]
    assert between.interfaces[0].receive_rate == pytest.approx(4.1e6)  # the poller has not asked again
    restarted, counters = device_snapshots(switch_page(5, 2), 45.0, {"sw-core": counters})["sw-core"]
    assert restarted.interfaces[0].receive_rate is None
    assert DeviceSnapshot.from_json(json.loads(json.dumps(second.to_json()))) == second


def test_the_history_of_a_device_is_bounded() -> None:
    shown, _counters = device_snapshots(switch_page(60, 600), 0.0, {})["sw-core"]
    assert len(shown.interfaces) == 512
    many = replace(shown, interfaces=tuple(replace(one, alias=one.name, up=True) for one in shown.interfaces))
    assert len(device_points(many)) <= 1 + 3 * 32 + 16


def test_devices_are_kept_with_their_history_and_moments(session: Session, ingest: PowerIngest) -> None:
    for seconds in (0, 30, 60):
        page = electricity.page("appliance1", at(seconds)).decode()
        ingest.take_in(session, "appliance1", samples(page), at(seconds))
    camera = session.get_one(DeviceLatest, "cam-gate")
    assert camera.snapshot["trouble"] == Trouble.UNREACHABLE
    assert camera.since == at(-2400)
    assert ("probe", "unreachable") in events(session)
    names = set(session.scalars(select(MetricSeries.name).where(MetricSeries.host == "sw-core")))
    assert names == {
        "device_reachable",
        "interface_up",
        "interface_receive_bytes_per_second",
        "interface_transmit_bytes_per_second",
        "sensor_celsius",
    }


def test_records_and_boot_reports_come_with_the_facts(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    record = electricity.drill(NOW)
    boot = electricity.boot_report(NOW, clean=False)
    ingest_power(session, "appliance1", {"boot": boot, "records": [to_json(record), {"schema": 7}, "x"]}, NOW)
    ingest_power(session, "appliance1", {"boot": None, "records": [to_json(record)]}, at(60))
    row = session.scalars(select(PowerRecordRow)).one()
    assert (row.record_id, row.verdict, row.phase) == (record.record_id, "failed", "finished")
    assert session.get_one(BootReport, "appliance1").document == boot
    assert "cannot be read" in caplog.text
    [told] = load_boots(session, ["his1", "appliance1"])
    assert (told.host, told.clean, told.booted_at) == ("appliance1", False, NOW)
    assert told.databases == (Database("15/main", clean=True, accepts=True),)


@pytest.mark.parametrize("document", [{}, {"previous": 3, "databases": "x", "booted_at": "soon"}, {"databases": [7]}])
def test_a_boot_report_of_another_form_says_nothing(document: dict[str, object]) -> None:
    assert read_boot("his1", document) == Boot("his1", None, None, None, ())


def test_a_hosts_way_down_and_back_as_bars() -> None:
    record = electricity.drill(NOW)
    by_host = {step.host: spans(record, step, NOW) for step in record.steps}
    assert [one.kind for one in by_host["his1"]] == [Kind.ON, Kind.DOWN, Kind.OFF, Kind.UP, Kind.ON]
    assert [one.kind for one in by_host["desk1"]] == [Kind.ON, Kind.HUNG, Kind.OFF]
    assert [one.kind for one in by_host["appliance1"]] == [Kind.ON, Kind.OFF, Kind.ON]
    for bars in by_host.values():
        assert sum(one.width for one in bars) == pytest.approx(100)
        assert all(one.start == pytest.approx(sum(item.width for item in bars[:n])) for n, one in enumerate(bars))
    quiet = electricity.outage(NOW)
    assert [one.kind for one in spans(quiet, quiet.steps[0], NOW)] == [Kind.ON]
    off = replace(quiet.steps[0], detail="off_before")
    assert [one.kind for one in spans(quiet, off, NOW)] == [Kind.OFF]


def test_the_configuration_names_upses_stages_and_devices(tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    document = {
        "facility": {"id": "q", "name_zh": "清", "name_en": "Q", "timezone": "Asia/Shanghai", "mlps_level": 2},
        "public_url": "https://198.18.0.10:8443",
        "power": {
            "ups": [{"name": "rack", "name_zh": "机柜", "connected_to": "a1", "powers": ["a1"], "driver": "usb"}],
            "shutdown_stages": [{"name": "last", "hosts": ["a1"], "below_seconds": 240, "takes_seconds": 60}],
        },
        "devices": [{"name": "cam", "kind": "camera", "address": "198.18.0.201"}],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    config = load_config(path)
    assert config.power.ups == (Ups("rack", "机柜", "a1", ("a1",), "usb"),)
    assert config.power.stages == (Stage("last", "last", ("a1",), 240, 60),)
    assert config.devices == (Device("cam", "cam", "camera", "", "198.18.0.201"),)
