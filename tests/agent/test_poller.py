"""The poller's clocks, with readers and sources that are the test's own."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

import agent.snmp.poller
import agent.snmp.schedule
from agent.events import Journal
from agent.polling import PollError, Standing, Trouble
from agent.snmp.poller import Poller
from agent.snmp.schedule import Watch
from agent.ups.reading import Flag, UpsReading

ON_LINE = UpsReading(flags=frozenset({Flag.ON_LINE}))
ON_BATTERY = UpsReading(flags=frozenset({Flag.ON_BATTERY}))


class ScriptedDevice:
    """Stands in for a device and its reader: gives what ``now`` is, and remembers when it was asked."""

    def __init__(self, name: str, now: object = ON_LINE, *, takes_seconds: float = 0) -> None:
        self.name = name
        self.now = now
        self.takes_seconds = takes_seconds
        self.asked_at: list[float] = []
        self.at_once = 0
        self.most_at_once = 0

    async def poll(self) -> object:
        self.asked_at.append(asyncio.get_running_loop().time())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.takes_seconds)
        finally:
            self.at_once -= 1
        if isinstance(self.now, Exception):
            raise self.now
        return self.now


class ScriptedSource:
    """Stands in for all devices of a configuration."""

    def __init__(self, devices: Sequence[ScriptedDevice], interval_seconds: float) -> None:
        self._devices = devices
        self._interval_seconds = interval_seconds
        self.hurry: Callable[[str], None] = lambda _name: None
        self.closed = False

    async def open(self, hurry: Callable[[str], None]) -> Sequence[Watch]:
        loop = asyncio.get_running_loop()

        def from_outside(name: str) -> None:
            loop.call_soon_threadsafe(hurry, name)

        self.hurry = from_outside
        return [Watch(one.name, "ups", "snmp", self._interval_seconds, one.poll) for one in self._devices]

    def close(self) -> None:
        self.closed = True


class Running:
    def __init__(self, poller: Poller, journal: Journal, source: ScriptedSource) -> None:
        self.poller = poller
        self.journal = journal
        self.source = source

    def standing(self, name: str) -> Standing[UpsReading]:
        return next(each for each in self.poller.standings() if each.name == name)

    def codes(self) -> list[tuple[str, str]]:
        return [(event.device, event.code) for event in self.journal.wait(0).events]


@contextmanager
def polling(*devices: ScriptedDevice, interval_seconds: float = 30) -> Iterator[Running]:
    journal = Journal()
    source = ScriptedSource(devices, interval_seconds)
    poller = Poller([source], journal)
    poller.start()
    running = Running(poller, journal, source)
    wait_until(lambda: len(poller.standings()) == len(devices))
    try:
        yield running
    finally:
        poller.stop()
        assert source.closed


def wait_until(true: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        threading.Event().wait(0.005)


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything that takes seconds take less."""
    monkeypatch.setattr(agent.snmp.schedule, "SHORTEST_LIMIT_SECONDS", 0.3)
    monkeypatch.setattr(agent.snmp.schedule, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(agent.snmp.schedule, "ALERT_SECONDS", 0.05)


def test_a_reading_stands_with_its_time():
    ups = ScriptedDevice("rack-ups")
    began = time.time()
    with polling(ups) as running:
        assert running.standing("rack-ups").source == "snmp"
        wait_until(lambda: running.standing("rack-ups").reading)
        standing = running.standing("rack-ups")
        wait_until(lambda: "rack-ups" in running.poller.durations())
    assert (standing.reading, standing.trouble) == (ON_LINE, None)
    assert began <= (standing.read_at or 0) <= time.time()


def test_nothing_is_shown_before_the_first_poll():
    with polling(ScriptedDevice("rack-ups", takes_seconds=20)) as running:
        standing = running.standing("rack-ups")
    assert (standing.reading, standing.read_at, standing.trouble) == (None, None, Trouble.NOT_STARTED)


def test_a_failure_takes_the_reading_away_and_keeps_when_it_began(brisk: None):
    ups = ScriptedDevice("rack-ups")
    with polling(ups, interval_seconds=0.05) as running:
        wait_until(lambda: running.standing("rack-ups").reading)
        ups.now = PollError(Trouble.UNREACHABLE, "no answer within 8 s")
        wait_until(lambda: running.standing("rack-ups").trouble)
        first = running.standing("rack-ups")
        asked = len(ups.asked_at)
        wait_until(lambda: len(ups.asked_at) > asked + 2)
        assert running.standing("rack-ups") == first
        assert (first.reading, first.read_at, first.detail) == (None, None, "no answer within 8 s")
        ups.now = ON_LINE
        wait_until(lambda: running.standing("rack-ups").reading)
        assert running.standing("rack-ups").failing_since is None
        wait_until(lambda: len(running.codes()) == 2)
        assert running.codes() == [("rack-ups", "unreachable"), ("rack-ups", "reachable")]


def test_the_flags_that_change_are_events(brisk: None):
    ups = ScriptedDevice("rack-ups")
    with polling(ups, interval_seconds=0.05) as running:
        wait_until(lambda: running.standing("rack-ups").reading)
        for reading in (ON_BATTERY, PollError(Trouble.UNREACHABLE, ""), ON_BATTERY, ON_LINE):
            ups.now = reading
            asked = len(ups.asked_at)
            wait_until(lambda: len(ups.asked_at) > asked + 1)  # noqa: B023
        codes = [code for _, code in running.codes()]
    assert codes == ["on_battery", "unreachable", "reachable", "mains_back"]


def test_a_hung_device_delays_no_other_and_is_called_slow(brisk: None):
    hung = ScriptedDevice("hung", takes_seconds=60)
    healthy = ScriptedDevice("healthy")
    with polling(hung, healthy, interval_seconds=0.1) as running:
        wait_until(lambda: running.standing("hung").trouble is Trouble.TOO_SLOW)
        wait_until(lambda: len(healthy.asked_at) > 5)
        assert running.standing("healthy").reading == ON_LINE
    assert hung.most_at_once == 1
    assert len(hung.asked_at) < len(healthy.asked_at)


def test_a_mistake_in_a_reader_is_that_devices_trouble_only(brisk: None, caplog: pytest.LogCaptureFixture):
    broken = ScriptedDevice("broken", KeyError("upsBatteryStatus"))
    healthy = ScriptedDevice("healthy")
    with polling(broken, healthy, interval_seconds=0.1) as running:
        wait_until(lambda: running.standing("broken").trouble is Trouble.BAD_ANSWER)
        wait_until(lambda: len(healthy.asked_at) > 3)
        assert running.standing("broken").detail == "KeyError: 'upsBatteryStatus'"
    assert "polling broken failed" in caplog.text


def test_a_ups_on_battery_is_polled_more_often(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(agent.snmp.schedule, "ALERT_SECONDS", 0.05)
    monkeypatch.setattr(agent.snmp.schedule, "PAUSE_SECONDS", 0.01)
    calm, alarmed = ScriptedDevice("calm"), ScriptedDevice("alarmed", ON_BATTERY)
    with polling(calm, alarmed, interval_seconds=60) as running:
        wait_until(lambda: len(alarmed.asked_at) > 5)
        assert len(calm.asked_at) == 1
        alarmed.now = PollError(Trouble.UNREACHABLE, "")  # and also when it then no longer answers
        wait_until(lambda: running.standing("alarmed").trouble)
        asked = len(alarmed.asked_at)
        wait_until(lambda: len(alarmed.asked_at) > asked + 3)


def test_who_is_hurried_is_polled_at_once():
    ups = ScriptedDevice("rack-ups")
    with polling(ups, interval_seconds=3600) as running:
        wait_until(lambda: running.standing("rack-ups").reading)
        running.source.hurry("rack-ups")
        wait_until(lambda: len(ups.asked_at) == 2)


def test_a_poller_that_is_stopped_before_its_thread_came_to_run_ends(monkeypatch: pytest.MonkeyPatch):
    release, run = threading.Event(), asyncio.run

    def late(main: Coroutine[Any, Any, None]) -> None:
        release.wait(30)
        run(main)

    monkeypatch.setattr(asyncio, "run", late)
    monkeypatch.setattr(agent.snmp.poller, "STOP_SECONDS", 0.01)
    source = ScriptedSource([ScriptedDevice("rack-ups")], 30)
    poller = Poller([source], Journal())
    poller.start()
    poller.stop()
    release.set()
    poller._thread.join(30)
    assert (poller._thread.is_alive(), source.closed) == (False, True)


def test_a_poller_that_is_just_ending_by_itself_may_be_stopped(monkeypatch: pytest.MonkeyPatch):
    told, release = threading.Event(), threading.Event()

    def tell(_message: str) -> None:
        told.set()
        release.wait(30)

    async def fails(_hurry: object) -> Sequence[Watch]:
        raise ValueError("out of order")

    monkeypatch.setattr(agent.snmp.poller.logger, "exception", tell)
    monkeypatch.setattr(agent.snmp.poller, "STOP_SECONDS", 0.01)
    source = ScriptedSource([], 30)
    monkeypatch.setattr(source, "open", fails)
    poller = Poller([source], Journal())
    poller.start()
    assert told.wait(30)
    poller.stop()
    release.set()
    poller._thread.join(30)
    assert not poller._thread.is_alive()


def test_a_wall_clock_that_jumps_changes_no_poll(monkeypatch: pytest.MonkeyPatch, brisk: None):
    ups = ScriptedDevice("rack-ups")
    with polling(ups, interval_seconds=0.1) as running:
        wait_until(lambda: running.standing("rack-ups").reading)
        for offset_seconds in (-86400.0, 86400.0):
            monkeypatch.setattr(time, "time", lambda: 1.8e9 + offset_seconds)  # noqa: B023
            asked = len(ups.asked_at)
            wait_until(lambda: len(ups.asked_at) > asked + 3)  # noqa: B023
            assert running.standing("rack-ups").reading == ON_LINE


def test_what_no_poll_replaces_in_time_is_not_shown(monkeypatch: pytest.MonkeyPatch, brisk: None):
    ups = ScriptedDevice("rack-ups")
    with polling(ups, interval_seconds=0.1) as running:
        wait_until(lambda: running.standing("rack-ups").reading)
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + 60)
    standing = running.standing("rack-ups")  # the poller has ended: as if its thread had died
    assert (standing.reading, standing.read_at, standing.trouble) == (None, None, Trouble.TOO_SLOW)
    assert "no poll came to its end" in standing.detail
