"""Power and devices of the invented clinic: metrics by the agent's own functions, months of history, a cut, a drill."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from agent.devices.metrics import DeviceStanding, device_families
from agent.devices.reading import Contact, DeviceReading, Interface, Memory, Quantity, Sensor, Supply
from agent.polling import Standing, Trouble
from agent.power.records import Cause, Check, Event, HostStep, Phase, PowerRecord, Verdict, to_json
from agent.probes.reading import ProbeReading
from agent.ups.agreement import disagreement_families
from agent.ups.metrics import ups_families
from agent.ups.reading import Flag, TestResult, UpsReading
from console.history import HOUR, Writer
from console.power.device_digest import device_snapshots
from console.power.events import note_event
from console.power.ingest import ingest_power
from console.power.plan import Device, PowerPlan, Stage, Ups
from console.power.series import BATTERY_CELSIUS, CHARGE, INPUT_VOLTS, LOAD, RUNTIME, device_points
from console.store.models import MetricHour, MetricMinute, MetricSeries
from console.store.upsert import upsert
from console.worker.exposition import PageParser

POWER = PowerPlan(
    ups=(
        Ups("rack-ups", "机柜 UPS", "appliance1", ("appliance1", "his1", "pacs1", "desk1"), "dummy"),
        Ups("vault-ups", "异地库 UPS", "vault1", ("vault1",), "usb"),
    ),
    stages=(
        Stage("workstations", "工作站", ("desk1",), 1200, 60),
        Stage("his", "HIS 与数据库", ("his1", "pacs1"), 600, 120),
        Stage("appliance", "杏林一体机", ("appliance1",), 240, 120),
    ),
)
DEVICES = (
    Device("sw-core", "核心交换机", "switch", "mgmt", "198.18.0.150"),
    Device("ap-outpatient", "门诊大厅 AP", "access_point", "mgmt", "198.18.0.140"),
    Device("printer-pharmacy", "药房打印机", "printer", "staff", "198.18.0.211"),
    Device("room-sensor", "机房温湿度", "sensor", "mgmt", "198.18.0.152"),
    Device("cam-gate", "大门摄像机", "camera", "staff", "198.18.0.210"),
    Device("ct-console", "CT 工作台", "medical", "staff", "198.18.0.220"),
)
FULL_SECONDS = 2520.0
MONTHS_DAYS = 230
ON_MAINS = UpsReading(
    flags=frozenset({Flag.ON_LINE, Flag.CHARGING}),
    charge_ratio=1.0,
    runtime_seconds=2210,
    load_ratio=0.34,
    load_ratios=(0.34,),
    input_volts=(228.6,),
    input_hertz=50.0,
    output_volts=(229.4,),
    output_hertz=50.0,
    battery_volts=54.3,
    battery_celsius=26.5,
    battery_replaced=date(2025, 3, 2),
    test=TestResult.PASSED,
    manufacturer="APC",
    model="Smart-UPS X 1500",
    serial="AS1234567890",
    firmware="UPS 09.3",
    sources={"charge_ratio": "PowerNet-MIB"},
)
ON_BATTERY = replace(
    ON_MAINS,
    flags=frozenset({Flag.ON_BATTERY, Flag.DISCHARGING}),
    charge_ratio=0.62,
    runtime_seconds=1130,
    input_volts=(0.0,),
    on_battery_seconds=840,
    alarms=("upsAlarmOnBattery",),
)


def text(families: Iterable[Metric]) -> str:
    """Return the page of metric families, as the agent's registry writes it."""
    found = list(families)

    class Families:
        def collect(self) -> Iterable[Metric]:
            return found

    registry = CollectorRegistry()
    registry.register(Families())
    return generate_latest(registry).decode()


def standing(reading: UpsReading | None, source: str, at: datetime, name: str = "rack-ups") -> Standing[UpsReading]:
    """Return how a UPS stands with a source; without a reading it has not answered for five minutes."""
    if reading is None:
        trouble = Trouble.NO_DATA if source == "nut" else Trouble.UNREACHABLE
        return Standing(name, "ups", source, trouble=trouble, failing_since=at.timestamp() - 300)
    return Standing(name, "ups", source, reading, at.timestamp() - 2, None)


def ups_page(standings: Sequence[Standing[UpsReading]], differ: Sequence[tuple[str, str]] = ()) -> str:
    """Return the metrics of UPSes."""
    return text([*ups_families(standings), *disagreement_families(differ)])


def switch(uptime: float, ports: int = 24) -> DeviceReading:
    """Return a switch whose counters have run evenly for ``uptime`` seconds."""
    named = {1: "至防火墙", 2: "HIS 服务器", 3: "PACS 服务器", 4: "门诊大厅 AP", 24: "堆叠备用"}
    interfaces = tuple(
        Interface(
            f"GigabitEthernet1/0/{number}",
            named.get(number, ""),
            enabled=number != 23,
            up=number < 13,
            speed_bytes=125_000_000.0,
            receive_bytes=int(uptime * 4.1e6 / number),
            transmit_bytes=int(uptime * 2.6e6 / number),
            receive_errors=3 if number == 4 else 0,
            transmit_errors=0,
        )
        for number in range(1, ports + 1)
    )
    return DeviceReading(
        name="SW-CORE",
        location="机房 A 柜",
        vendor="H3C",
        model="S5130-28S",
        software="Comware 7.1.070",
        uptime_seconds=uptime,
        cpu_used_ratio=0.11,
        memory=Memory(0.43),
        interfaces=interfaces,
        sensors=(Sensor("主板", Quantity.TEMPERATURE, 41.0),),
    )


def devices_page(standings: Sequence[DeviceStanding]) -> str:
    """Return the metrics of devices."""
    return text(device_families(standings))


def probed() -> ProbeReading:
    """Return an answer to a ping."""
    return ProbeReading("icmp", 0.0021)


def device_standings(at: datetime) -> list[DeviceStanding]:
    """Return how the clinic's devices stand: the camera has not answered for forty minutes."""
    now = at.timestamp()
    uptime = float(int(now - 1_795_000_000) // 30 * 30)
    printer = DeviceReading(
        vendor="HP",
        model="LaserJet M404",
        supplies=(Supply("黑色墨粉", 0.08),),
        printer_alerts=("lowToner",),
        uptime_seconds=uptime,
    )
    sensor = DeviceReading(
        vendor="APC",
        model="NetBotz 200",
        sensors=(Sensor("机柜上部", Quantity.TEMPERATURE, 24.6), Sensor("机柜上部", Quantity.HUMIDITY, 0.46)),
        contacts=(Contact("机房门", False),),
        uptime_seconds=uptime,
    )
    radio = replace(switch(uptime, 2), vendor="Ubiquiti", model="nanoHD", name="AP-OP", location="门诊大厅", sensors=())
    off = now - 2400
    return [
        Standing("sw-core", "switch", "snmp", switch(uptime), now - 4, None),
        Standing("ap-outpatient", "access_point", "snmp", radio, now - 4, None),
        Standing("printer-pharmacy", "printer", "snmp", printer, now - 4, None),
        Standing("room-sensor", "sensor", "snmp", sensor, now - 4, None),
        Standing("cam-gate", "camera", "probe", None, None, Trouble.UNREACHABLE, "no answer", off),
        Standing("ct-console", "medical", "probe", probed(), now - 4, None),
    ]


def page(host: str, at: datetime) -> bytes:
    """Return what the agent of a host tells of power and devices, after its other metrics."""
    if host == "appliance1":
        both = [standing(ON_MAINS, "snmp", at), standing(replace(ON_MAINS, battery_celsius=None), "nut", at)]
        return (ups_page(both) + devices_page(device_standings(at))).encode()
    if host == "vault1":
        plain = replace(ON_MAINS, model="Back-UPS 650", battery_replaced=None, test=None, battery_celsius=None)
        return ups_page([standing(plain, "nut", at, "vault-ups")]).encode()
    return b""


def write_history(session: Session, ups: str, now: datetime, days: int = MONTHS_DAYS) -> None:
    """Write hours of a battery that loses 1.8 % of its runtime a month, and minutes of the last two days."""
    end = int(now.timestamp()) // HOUR * HOUR
    week = end - 8 * 24 * HOUR  # before that every sixth hour is enough
    values: dict[str, Callable[[float, int], float]] = {
        CHARGE: lambda _day, at: 0.7 if at % (61 * 24 * HOUR) < HOUR else 1.0,
        RUNTIME: lambda day, at: FULL_SECONDS * (1 - 0.018 * day / 30.44) * (1 + 0.02 * ((at // HOUR) % 7 - 3) / 3),
        LOAD: lambda _day, at: 0.34 + 0.02 * ((at // HOUR) % 5 - 2) / 2,
        INPUT_VOLTS: lambda _day, at: 230 + 6 * ((at // HOUR) % 24 - 12) / 12,
        BATTERY_CELSIUS: lambda _day, at: 25 + 2 * ((at // HOUR) % 24) / 24,
    }
    for name, value in values.items():
        known = select(MetricSeries).where(MetricSeries.host == ups, MetricSeries.name == name)
        series = session.scalar(known) or MetricSeries(host=ups, name=name, label="")
        session.add(series)
        session.flush()
        hours = [
            {
                "series_id": series.id,
                "at": at,
                "minimum": at_hour,
                "average": at_hour,
                "maximum": at_hour,
                "samples": 60,
            }
            for at in (*range(end - days * 24 * HOUR, week, 6 * HOUR), *range(week, end, HOUR))
            for at_hour in [value((at - end) / 86400 + days, at)]
        ]
        upsert(session, MetricHour, hours)
        minutes = [
            {"series_id": series.id, "at": at, "value": value(days, at)} for at in range(end - 47 * HOUR, end, 300)
        ]
        upsert(session, MetricMinute, minutes)


def write_devices(session: Session, now: datetime) -> None:
    """Write a day of the devices' history."""
    writer = Writer()
    first = device_snapshots(PageParser().parse(devices_page(device_standings(now))), 0.0, {})
    later = devices_page(device_standings(now + timedelta(minutes=1)))
    shown = device_snapshots(PageParser().parse(later), 0.0, {name: found[1] for name, found in first.items()})
    for name in ("sw-core", "room-sensor"):
        points = device_points(shown[name][0])
        for step in range(1, 24 * 12):
            share = 1 + 0.02 * math.sin(step / 9) + 0.003 * ((step * 7) % 5 - 2)
            moved = [(series, label, value if value in {0, 1} else value * share) for series, label, value in points]
            writer.write(session, name, now - timedelta(minutes=5 * step), moved)


def moment(at: datetime) -> str:
    """Return a time as the agents write it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def outage(began: datetime) -> PowerRecord:
    """Return a short power cut: nobody was sent off."""
    over = began + timedelta(minutes=6)
    return PowerRecord(
        record_id=f"{began:%Y%m%dT%H%M%SZ}-rack-ups-0a0068",
        ups="rack-ups",
        host="appliance1",
        cause=Cause.OUTAGE,
        phase=Phase.FINISHED,
        started_at=began,
        on_battery_at=began,
        mains_back_at=over,
        finished_at=over + timedelta(seconds=2),
        runtime_at_start_seconds=2240,
        charge_at_end_ratio=0.88,
        steps=tuple(HostStep(host, stage) for host, stage in STEPS),
        events=(Event(began, "on_battery"), Event(over, "mains_back"), Event(over, "finished")),
        checks=(Check("in_time", True),),
        verdict=Verdict.PASSED,
    )


STEPS = (("desk1", "workstations"), ("his1", "his"), ("pacs1", "his"), ("appliance1", "appliance"))


def drill(began: datetime) -> PowerRecord:
    """Return a drill in which one host hung."""

    def after(seconds: float) -> datetime:
        return began + timedelta(seconds=seconds)

    steps = (
        HostStep("desk1", "workstations", told_at=after(40), hung=True, back_at=None, detail=""),
        HostStep("his1", "his", after(101), after(104), after(139), False, after(430), after(486), True),
        HostStep("pacs1", "his", after(101), after(103), after(122), False, after(430), after(471), None),
        HostStep("appliance1", "appliance", told_at=after(226), back_at=after(398), detail="self"),
    )
    events = (
        Event(began, "drill_started", "lihua"),
        Event(after(2), "on_battery"),
        Event(after(40), "stage_below", "workstations"),
        Event(after(100), "host_hung", "desk1"),
        Event(after(101), "stage_below", "his"),
        Event(after(139), "stage_over", "his"),
        Event(after(226), "dark"),
        Event(after(398), "booted"),
        Event(after(399), "mains_back"),
        Event(after(430), "woken", "his1"),
        Event(after(486), "host_back", "his1"),
        Event(after(500), "checks_begun"),
        Event(after(512), "finished"),
    )
    return PowerRecord(
        record_id=f"{began:%Y%m%dT%H%M%SZ}-rack-ups-0b1177",
        ups="rack-ups",
        host="appliance1",
        cause=Cause.DRILL,
        phase=Phase.FINISHED,
        started_at=began,
        operator="lihua",
        scope="lab",
        how="simulated",
        on_battery_at=after(2),
        low_at=after(220),
        dark_at=after(226),
        booted_at=after(398),
        mains_back_at=after(399),
        finished_at=after(512),
        runtime_at_start_seconds=1300,
        charge_at_end_ratio=0.31,
        steps=steps,
        events=events,
        checks=(
            Check("order", True),
            Check("in_time", True),
            Check("hung:desk1", False, "it still answered 60 s after it was told"),
            Check("back:his1", True),
            Check("service:his-database", True, "198.18.0.11:5432"),
            Check("database:his1/15-main", True, "database system is shut down"),
        ),
        verdict=Verdict.FAILED,
    )


def boot_report(booted: datetime, *, clean: bool) -> dict[str, object]:
    """Return a host's boot report (agent.power.boot)."""
    ended = moment(booted - timedelta(minutes=4)) if clean else None
    return {
        "schema": 1,
        "boot_id": "c0ffee",
        "booted_at": moment(booted),
        "reported_at": moment(booted + timedelta(seconds=40)),
        "previous": {"boot_id": "beef", "clean": clean, "ended_at": ended},
        "databases": [{"name": "15/main", "clean": True, "accepts": True, "evidence": "database system is shut down"}],
    }


def fill(sessions: sessionmaker[Session], now: datetime) -> None:
    """Write months of history, this morning's power cut with its record, and last week's drill."""
    cut = now - timedelta(hours=2, minutes=49)
    with sessions.begin() as session:
        write_history(session, "rack-ups", now)
        write_devices(session, now)
        for seconds, source, code in (
            (0, "trap", "on_battery"),
            (1, "nut", "on_battery"),
            (361, "nut", "mains_back"),
            (364, "snmp", "mains_back"),
        ):
            at = moment(cut + timedelta(seconds=seconds))
            note_event(session, "appliance1", {"at": at, "device": "rack-ups", "source": source, "code": code})
        records = [to_json(outage(cut)), to_json(drill(now - timedelta(days=6, hours=3)))]
        for host, clean in (("appliance1", True), ("his1", True), ("desk1", False)):
            ingest_power(session, host, {"boot": boot_report(now - timedelta(days=6), clean=clean)}, now)
        ingest_power(session, "appliance1", {"records": records}, now)
