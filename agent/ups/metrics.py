"""How UPSes stand, as metric families: one sample per fact, none for what is not known now."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from agent.polling import Standing
from agent.ups.reading import Flag, UpsReading

Ups = Standing[UpsReading]

_NUMBERS: tuple[tuple[str, str, Callable[[UpsReading], float | None]], ...] = (
    ("battery_charge_ratio", "Charge of the battery.", lambda reading: reading.charge_ratio),
    ("battery_runtime_seconds", "Time the battery lasts at this load.", lambda reading: reading.runtime_seconds),
    ("on_battery_seconds", "Time since the mains went away.", lambda reading: reading.on_battery_seconds),
    ("load_ratio", "Load of the most loaded line.", lambda reading: reading.load_ratio),
    ("battery_voltage_volts", "Voltage of the battery.", lambda reading: reading.battery_volts),
    ("battery_temperature_celsius", "Temperature at the battery.", lambda reading: reading.battery_celsius),
    ("battery_replaced_timestamp_seconds", "Day of the battery's replacement.", lambda r: _noon(r.battery_replaced)),
    ("input_frequency_hertz", "Frequency of the mains.", lambda reading: reading.input_hertz),
    ("output_frequency_hertz", "Frequency of the output.", lambda reading: reading.output_hertz),
)

_LINES: tuple[tuple[str, str, Callable[[UpsReading], Sequence[float | None]]], ...] = (
    ("input_voltage_volts", "Voltage of the mains.", lambda reading: reading.input_volts),
    ("output_voltage_volts", "Voltage of the output.", lambda reading: reading.output_volts),
)


def ups_families(standings: Iterable[Ups]) -> Iterable[Metric]:
    """Return the families of all UPSes, whichever source they were read from."""
    shown = list(standings)
    read = [(ups, ups.reading) for ups in shown if ups.reading is not None]
    return [*_standing(shown), *_described(read), *_numbers(read)]


def _family(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"xinglin_ups_{name}", documentation, labels=["ups", "source", *labels])


def _standing(shown: Sequence[Ups]) -> Iterable[Metric]:
    up = _family("up", "1 if the last poll gave a reading.")
    trouble = _family("trouble", "Why there is no reading.", "code")
    since = _family("failing_since_timestamp_seconds", "Unix time of the first failed poll of an unbroken row.")
    read_at = _family("read_timestamp_seconds", "Unix time of the last good poll.")
    for ups in shown:
        names = [ups.name, ups.source]
        up.add_metric(names, ups.reading is not None)
        if ups.trouble is not None:
            trouble.add_metric([*names, str(ups.trouble)], 1)
        if ups.failing_since is not None:
            since.add_metric(names, ups.failing_since)
        if ups.read_at is not None:
            read_at.add_metric(names, ups.read_at)
    return up, trouble, since, read_at


def _described(read: Sequence[tuple[Ups, UpsReading]]) -> Iterable[Metric]:
    info = _family("info", "What the UPS is.", "manufacturer", "model", "serial", "firmware", "mib")
    status = _family("status", "1 if the UPS has this state, in NUT's words.", "flag")
    test = _family("test_result", "How the last battery test ended.", "result")
    alarm = _family("alarm", "An active alarm, in its MIB's words.", "alarm")
    for ups, reading in read:
        names = [ups.name, ups.source]
        mibs = "+".join(sorted({mib for name, mib in reading.sources.items() if name != "alarms"}))  # stays the same
        info.add_metric([*names, reading.manufacturer, reading.model, reading.serial, reading.firmware, mibs], 1)
        for flag in Flag:
            status.add_metric([*names, str(flag)], flag in reading.flags)
        if reading.test is not None:
            test.add_metric([*names, str(reading.test)], 1)
        for name in dict.fromkeys(reading.alarms):
            alarm.add_metric([*names, name], 1)
    return info, status, test, alarm


def _numbers(read: Sequence[tuple[Ups, UpsReading]]) -> Iterable[Metric]:
    for name, documentation, number in _NUMBERS:
        family = _family(name, documentation)
        for ups, reading in read:
            value = number(reading)
            if value is not None:
                family.add_metric([ups.name, ups.source], value)
        yield family
    for name, documentation, lines in _LINES:
        family = _family(name, documentation, "line")
        for ups, reading in read:
            for line, value in enumerate(lines(reading), start=1):
                if value is not None:
                    family.add_metric([ups.name, ups.source, str(line)], value)
        yield family


def _noon(day: date | None) -> float | None:
    """Noon in UTC: the same day in every inhabited zone but the last."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() if day else None
