"""When a device is polled, in virtual time: phases, pauses, hurries, and the end."""

import asyncio
from collections.abc import Iterator

import pytest

from agent.events import Journal
from agent.snmp.poller import Poller
from agent.snmp.schedule import PAUSE_SECONDS, Schedule, Watch
from tests.agent.test_poller import ON_LINE, ScriptedDevice, ScriptedSource
from tests.agent.virtual_time import Run, virtual_time

POLL_SECONDS = 0.2
HOUR = 3600.0


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    with virtual_time(monkeypatch, "agent.snmp.schedule") as running:
        yield running


async def poll_for(seconds: float, source: ScriptedSource, *hurries: tuple[float, str]) -> None:
    """Poll so long; each of ``hurries`` is a time and the device that is then hurried."""
    loop = asyncio.get_running_loop()
    poller = Poller([source], Journal())
    for at, name in hurries:
        loop.call_later(at, poller._hurry, name)
    loop.call_later(seconds, poller._stop.set)
    await poller._main()


def test_the_polls_are_spread_over_the_interval(run: Run):
    devices = [ScriptedDevice(f"device-{number}", takes_seconds=POLL_SECONDS) for number in range(5)]
    run(poll_for(35, ScriptedSource(devices, 10)))
    assert [device.asked_at[0] for device in devices] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    assert [device.asked_at[-1] for device in devices] == pytest.approx([30, 32, 34, 26, 28])
    assert [len(device.asked_at) for device in devices] == [4, 5, 5, 4, 4]


def test_who_is_hurried_is_polled_at_once(run: Run):
    ups = ScriptedDevice("rack-ups", takes_seconds=POLL_SECONDS)
    run(poll_for(20, ScriptedSource([ups], HOUR), (5, "rack-ups"), (6, "nobody")))
    assert ups.asked_at == pytest.approx([0, 5])


def test_who_is_hurried_in_the_middle_of_a_poll_is_polled_again_after_it(run: Run):
    """What the hurry was about may have been asked before."""
    ups = ScriptedDevice("rack-ups", takes_seconds=POLL_SECONDS)
    run(poll_for(20, ScriptedSource([ups], HOUR), *20 * [(5, "rack-ups")], (5.1, "rack-ups")))
    assert ups.asked_at == pytest.approx([0, 5, 5 + POLL_SECONDS + PAUSE_SECONDS])
    assert ups.most_at_once == 1


def test_a_storm_of_traps_is_no_storm_of_polls(run: Run):
    ups = ScriptedDevice("rack-ups")
    storm = [(5 + number / 100, "rack-ups") for number in range(1000)]
    run(poll_for(20, ScriptedSource([ups], HOUR), *storm))
    assert ups.asked_at == pytest.approx([0, *(5 + number * PAUSE_SECONDS for number in range(21))])


@pytest.mark.parametrize("turns", range(6))
def test_an_end_that_meets_a_hurry_is_an_end(run: Run, turns: int):
    """At whatever turn of the loop after it; asyncio.wait_for would lose some."""

    async def main() -> None:
        ups = ScriptedDevice("rack-ups", ON_LINE)
        schedule = Schedule(Watch("rack-ups", "ups", "snmp", HOUR, ups.poll), 0, lambda _standing: None)
        task = asyncio.create_task(schedule.run(0))
        await asyncio.sleep(10)
        schedule.hurry()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=10)
        assert task.cancelled()

    run(main())
