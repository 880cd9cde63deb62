"""Collectors that hang, fail, come back and grow old."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import pytest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from agent.registry import Collector, Registry


@dataclass
class Scripted:
    """A collector whose source is a function of the run's number (from 1)."""

    value: Callable[[int], float]
    name: str = "scripted"
    interval_seconds: float = 0
    timeout_seconds: float = 60
    runs: int = 0
    threads: set[int] = field(default_factory=set)

    def collect(self) -> Iterable[Metric]:
        self.runs += 1
        self.threads.add(threading.get_ident())
        return [GaugeMetricFamily(f"test_{self.name}", "A test.", self.value(self.runs))]


Start = Callable[..., Registry]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Registry] = []

    def begin(*collectors: Collector, patience_seconds: float = 5) -> Registry:
        registry = Registry(collectors, patience_seconds)
        registry.start()
        started.append(registry)
        return registry

    yield begin
    for registry in started:
        registry.stop()


def samples(registry: Registry) -> dict[tuple[str, str], float]:
    """Scrape and return (metric, collector) → value."""
    families = text_string_to_metric_families(registry.scrape().decode())
    return {
        (sample.name, sample.labels.get("collector", "")): sample.value
        for family in families
        for sample in family.samples
    }


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "did not happen in 30 s"
        threading.Event().wait(0.01)


def test_a_collector_at_scrape_runs_anew_for_each_scrape(start: Start):
    registry = start(Scripted(float))
    registry.settle(60)
    first = samples(registry)["test_scripted", ""]
    second = samples(registry)["test_scripted", ""]
    assert (first, second) == (2, 3)


def test_a_collector_with_an_interval_is_not_run_by_scrapes(start: Start):
    collector = Scripted(float, interval_seconds=3600)
    registry = start(collector)
    registry.settle(60)
    assert [samples(registry)["test_scripted", ""] for _ in range(5)] == [1] * 5


def test_a_collector_with_an_interval_runs_by_itself(start: Start):
    collector = Scripted(float, interval_seconds=0.01)
    start(collector)
    until(lambda: collector.runs >= 5)


def test_a_hung_collector_delays_no_scrape_and_takes_no_second_thread(start: Start):
    release = threading.Event()
    hung = Scripted(lambda _: float(release.wait(60)), name="hung", timeout_seconds=0.05)
    fine = Scripted(float, name="fine")
    registry = start(fine, hung, patience_seconds=1)
    until(lambda: fine.runs >= 1)
    began = time.monotonic()
    for _ in range(30):
        now = samples(registry)
        assert now["test_fine", ""] > 0
    assert time.monotonic() - began < 15, "the scrapes waited for the hung collector each time"
    assert ("test_hung", "") not in now
    assert now["xinglin_collector_success", "hung"] == 0
    assert now["xinglin_collector_success", "fine"] == 1
    assert hung.runs == 1
    assert sum(thread.name == "collect-hung" for thread in threading.enumerate()) == 1
    release.set()
    until(lambda: samples(registry).get(("xinglin_collector_success", "hung")) == 1 or hung.runs > 1)
    assert len(hung.threads) == 1


def test_a_scrape_waits_for_a_collector_that_a_busy_machine_runs_late():
    late = threading.Event()
    registry = Registry([Scripted(lambda run: float(run if run == 1 else run + late.wait(0.6)))])
    registry.start()
    registry.settle(60)
    assert samples(registry)["test_scripted", ""] == 2
    registry.stop()


def test_many_hung_collectors_cost_a_scrape_no_more_than_one(start: Start):
    release = threading.Event()
    hung = [Scripted(lambda run: float(run == 1 or release.wait(60)), name=f"hung{n}") for n in range(20)]
    registry = start(*hung, patience_seconds=1)
    until(lambda: all(each.runs == 1 for each in hung))
    began = time.monotonic()
    assert samples(registry)["test_hung0", ""] == 1
    assert time.monotonic() - began < 15
    release.set()


def test_the_last_good_values_stay_while_a_collector_fails(start: Start):
    def fails_later(run: int) -> float:
        if run > 1:
            raise OSError("disk on fire")
        return 7

    registry = start(Scripted(fails_later))
    registry.settle(60)
    now = samples(registry)
    assert now["test_scripted", ""] == 7
    assert now["xinglin_collector_success", "scripted"] == 0
    assert now["xinglin_collector_last_run_timestamp_seconds", "scripted"] <= time.time()


def test_a_collector_that_never_worked_shows_no_value_and_no_time(start: Start):
    def fails(run: int) -> float:
        raise OSError("no such thing")

    registry = start(Scripted(fails))
    registry.settle(60)
    now = samples(registry)
    assert ("test_scripted", "") not in now
    assert ("xinglin_collector_last_run_timestamp_seconds", "scripted") not in now
    assert now["xinglin_collector_success", "scripted"] == 0


def test_values_that_are_too_old_are_dropped(start: Start):
    release = threading.Event()
    release.set()

    def hangs_later(_run: int) -> float:
        release.wait(60)
        return 7

    registry = start(Scripted(hangs_later, interval_seconds=0.01, timeout_seconds=0.2))
    until(lambda: ("test_scripted", "") in samples(registry))
    release.clear()
    until(lambda: ("test_scripted", "") not in samples(registry))
    now = samples(registry)
    assert now["xinglin_collector_success", "scripted"] == 0
    assert ("xinglin_collector_last_run_timestamp_seconds", "scripted") in now
    release.set()
    until(lambda: ("test_scripted", "") in samples(registry))


def test_a_run_over_its_time_counts_as_failed_though_it_came_back(start: Start, caplog: pytest.LogCaptureFixture):
    slow = Scripted(lambda _: float(threading.Event().wait(0.05)), interval_seconds=3600, timeout_seconds=0.01)
    registry = start(slow)
    registry.settle(60)
    assert samples(registry)["xinglin_collector_success", "scripted"] == 0
    assert "collector scripted: took" in caplog.text


def test_a_failure_is_logged_once_and_its_end_too(start: Start, caplog: pytest.LogCaptureFixture):
    def fails_at_first(run: int) -> float:
        if run < 4:
            raise OSError("not yet")
        return 1

    registry = start(Scripted(fails_at_first))
    registry.settle(60)
    until(lambda: samples(registry)["xinglin_collector_success", "scripted"] == 1)
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["collector scripted: OSError: not yet", "collector scripted: works again"]


def test_scrapes_at_the_same_time_share_one_run(start: Start):
    release = threading.Event()
    collector = Scripted(lambda run: float(run if run == 1 else run + release.wait(60)))
    registry = start(collector, patience_seconds=60)
    registry.settle(60)
    pages: list[bytes] = []
    scrapes = [threading.Thread(target=lambda: pages.append(registry.scrape())) for _ in range(5)]
    for scrape in scrapes:
        scrape.start()
    waiting = registry._runners[0]._condition._waiters  # type: ignore[attr-defined]
    until(lambda: len(waiting) == 5)
    release.set()
    for scrape in scrapes:
        scrape.join(60)
    assert (len(pages), collector.runs) == (5, 2)
    assert len(collector.threads) == 1
