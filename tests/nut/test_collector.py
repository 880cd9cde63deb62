"""The collector on the real upsd: changes as events within two seconds, every kind of trouble by its name."""

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.events import Journal
from agent.nut import collector as nut_collector
from agent.nut.client import NutClient
from agent.nut.collector import NutCollector, NutTarget, client_tls
from agent.nut.reading import ups_reading
from agent.polling import Standing, Trouble
from agent.ups.reading import Flag, UpsReading
from tests.agent.pki import Authority
from tests.nut.rig import ON_LINE, PASSWORD, Rig, running_rig

UPS = "rack-ups"
WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("nut"), {UPS: ON_LINE, "hall-ups": ON_LINE}) as running:
        yield running


class RoundJournal(Journal):
    """Notes in which of the collector's rounds each event came."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds = 0
        self.round_of_last = 0

    def add(self, device: str, source: str, code: str, detail: str = "") -> None:
        self.round_of_last = self.rounds
        super().add(device, source, code, detail)


class Watch:
    """A running collector and the journal that it writes."""

    def __init__(self, collector: NutCollector, journal: RoundJournal) -> None:
        self.collector, self.journal, self.seen = collector, journal, 0

    def standing(self, ups: str = UPS) -> Standing[UpsReading]:
        return next(standing for standing in self.collector.standings() if standing.name == ups)

    def until(self, condition: Callable[[Standing[UpsReading]], bool], ups: str = UPS) -> Standing[UpsReading]:
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition(self.standing(ups)):
            assert time.monotonic() < deadline, f"waited in vain: {self.standing(ups)}"
            select.select([], [], [], 0.02)
        return self.standing(ups)

    def until_flags(self, *flags: Flag) -> None:
        self.until(lambda standing: standing.reading is not None and standing.reading.flags == set(flags))

    def codes(self, count: int) -> list[str]:
        """Return the codes of the next ``count`` events."""
        codes: list[str] = []
        deadline = time.monotonic() + WAIT_SECONDS
        while len(codes) < count and time.monotonic() < deadline:
            answer = self.journal.wait(self.seen, seconds=deadline - time.monotonic())
            self.seen = answer.last
            codes += [event.code for event in answer.events if event.device == UPS]
            if len(codes) > count:
                break
        assert len(codes) == count, codes
        return codes


@contextmanager
def watching(port: int, ca: Path | None, *names: str, server_name: str = "primary1") -> Iterator[Watch]:
    journal = RoundJournal()
    targets = [NutTarget(name, "127.0.0.1", port, server_name) for name in names or (UPS,)]
    collector = NutCollector(targets, client_tls(ca) if ca else None, journal)
    collector.start()
    try:
        yield Watch(collector, journal)
    finally:
        collector.stop()
        assert not [thread for thread in threading.enumerate() if thread.name == "nut-127.0.0.1"]


def authority(rig: Rig) -> Path:
    assert rig.authority is not None
    return rig.authority.certificate


def test_a_power_cut_is_known_within_two_seconds_and_its_end_too(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    """In rounds of a second: how late a busy machine begins them is not the collector's doing."""
    tls = client_tls(authority(rig))
    with (
        watching(rig.port, authority(rig)) as watch,
        NutClient.connect("127.0.0.1", rig.port, tls=tls, server_name="primary1", timeout_seconds=30) as power,
    ):

        def counted(variables: dict[str, str]) -> UpsReading:
            watch.journal.rounds += 1
            return ups_reading(variables)

        monkeypatch.setattr(nut_collector, "ups_reading", counted)
        power.authenticate("xinglin-power", PASSWORD)
        first = watch.until(lambda standing: standing.reading is not None)
        assert first.trouble is None
        for status, codes in (
            ("OB DISCHRG", ["on_battery"]),
            ("OB DISCHRG LB", ["low_battery"]),
            ("OL CHRG RB", ["replace_battery", "mains_back"]),
            ("OL", []),
            ("OL OVER", ["overload"]),
        ):
            power.set_variable(UPS, "ups.status", status)
            rig.wait_until(lambda status=status: power.variables(UPS)["ups.status"] == status)  # type: ignore[misc]
            shown = watch.journal.rounds
            assert watch.codes(len(codes)) == codes
            assert (watch.journal.round_of_last - shown) * nut_collector.INTERVAL_SECONDS <= 2
            watch.until_flags(*map(Flag, status.split()))
        power.force_shutdown(UPS)
        assert watch.codes(1) == ["forced_shutdown"]
        assert power.clients(UPS) == (), "a collector is no system that draws power"


def test_a_dead_driver_is_no_data_of_that_ups_alone(rig: Rig):
    with watching(rig.port, authority(rig), UPS, "hall-ups") as watch:
        watch.until(lambda standing: standing.reading is not None, "hall-ups")
        before = time.time()
        rig.end("hall-ups")
        lost = watch.until(lambda standing: standing.trouble is Trouble.NO_DATA, "hall-ups")
        assert (lost.reading, lost.read_at) == (None, None), "nothing old is shown"
        assert lost.failing_since is not None
        assert before <= lost.failing_since <= time.time()
        assert watch.standing(UPS).reading is not None
        (event,) = [event for event in watch.journal.wait(0).events if event.device == "hall-ups"]
        assert (event.source, event.code) == ("nut", "communication_lost")
        rig.start_driver("hall-ups")
        back = watch.until(lambda standing: standing.reading is not None, "hall-ups")
        assert back.failing_since is None
        assert watch.journal.wait(event.seq, seconds=WAIT_SECONDS).events[-1].code == "communication_back"


def test_a_dead_upsd_is_unreachable_and_is_found_again(rig: Rig):
    with watching(rig.port, authority(rig)) as watch:
        watch.until(lambda standing: standing.reading is not None)
        watch.seen = watch.journal.wait(0).last
        rig.end("upsd")
        dead = watch.until(lambda standing: standing.trouble is Trouble.UNREACHABLE)
        assert dead.reading is None
        assert "Connection refused" in watch.until(lambda standing: "refused" in standing.detail).detail
        assert watch.codes(1) == ["unreachable"], "once, however often it fails"
        rig.start_upsd()
        watch.until(lambda standing: standing.reading is not None)
        while watch.codes(1) not in (["reachable"], ["communication_back"]):
            continue  # communication_lost: upsd itself begins without its driver's data


def test_an_upsd_that_hangs_is_unreachable_not_as_it_was(rig: Rig):
    with watching(rig.port, authority(rig)) as watch:
        watch.until(lambda standing: standing.reading is not None)
        with socket.create_connection(("127.0.0.1", rig.port)) as stuck:
            stuck.sendall(b"STARTTLS\n")  # upsd 2.8 waits for this client's handshake, and for nothing else
            hung = watch.until(lambda standing: standing.trouble is Trouble.UNREACHABLE)
            assert (hung.reading, hung.detail) == (None, "timed_out: no whole answer in 3 s")
        watch.until(lambda standing: standing.reading is not None)


def test_another_authority_is_wrong_credentials(rig: Rig, tmp_path: Path):
    with watching(rig.port, Authority(tmp_path / "stranger").certificate) as watch:
        standing = watch.until(lambda standing: standing.trouble is Trouble.WRONG_CREDENTIALS)
        assert standing.detail.startswith("untrusted: ")


def test_a_ups_that_upsd_does_not_know_is_an_unknown_device(rig: Rig):
    with watching(rig.port, authority(rig), "attic-ups") as watch:
        watch.until(lambda standing: standing.trouble is Trouble.UNKNOWN_DEVICE, "attic-ups")


def test_the_end_waits_for_no_pause(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(nut_collector, "INTERVAL_SECONDS", 3600.0)
    with watching(rig.port, authority(rig)) as watch:
        watch.until(lambda standing: standing.reading is not None)


def test_nothing_is_claimed_before_the_first_answer():
    collector = NutCollector([NutTarget(UPS, "127.0.0.1")], None, Journal())
    assert [(standing.trouble, standing.reading) for standing in collector.standings()] == [(Trouble.NOT_STARTED, None)]
    collector.stop()


def test_a_mistake_of_ours_shows_no_old_value(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    with watching(rig.port, authority(rig)) as watch:
        watch.until(lambda standing: standing.reading is not None)
        broken = threading.Event()

        def fail(_variables: object) -> UpsReading:
            broken.set()
            raise ZeroDivisionError("of the test")

        monkeypatch.setattr("agent.nut.collector.ups_reading", fail)
        assert broken.wait(WAIT_SECONDS)
        bad = watch.until(lambda standing: standing.trouble is Trouble.BAD_ANSWER)
        assert (bad.reading, bad.detail) == (None, "bad_answer: ZeroDivisionError: of the test")
        monkeypatch.undo()
        watch.until(lambda standing: standing.reading is not None)
