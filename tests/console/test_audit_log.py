"""The audit log keeps every record, whoever writes and whatever breaks."""

import hashlib
import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.audit.log import CLOCK_STEPPED_BACK, RECOVERED, AuditError, AuditLog
from console.audit.verify import Question, verify
from tests.clock import Clock

DAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def log(tmp_path: Path, clock: Clock) -> AuditLog:
    return AuditLog(tmp_path / "audit", now=clock, mono=lambda: 1000)


def lines(log: AuditLog, moment: datetime = DAY) -> list[bytes]:
    return [line + b"\n" for line in (log.files.log(moment.date()).read_bytes()).split(b"\n")[:-1]]


def test_a_record_is_one_canonical_line_whose_prev_is_the_hash_of_the_raw_line_before(log: AuditLog) -> None:
    log.append(actor="admin", action="login", target="console", detail={"address": "198.18.0.5"})
    log.append(actor="管理员", action="logout", target="console")
    first, second = lines(log)
    assert first == (
        b'{"action":"login","actor":"admin","at":"2026-11-23T08:00:00.000Z","detail":{"address":"198.18.0.5"},'
        b'"mono":1000,"object":"console","prev":"' + b"0" * 64 + b'","result":"success","seq":1}\n'
    )
    assert json.loads(second)["prev"] == hashlib.sha256(first).hexdigest()
    assert "管理员".encode() in second


def test_the_chain_goes_on_over_midnight_in_a_new_file(log: AuditLog, clock: Clock) -> None:
    log.append(actor="a", action="x", target="t")
    clock.moment += timedelta(days=1)
    log.append(actor="a", action="y", target="t")
    (old,), (new,) = lines(log), lines(log, clock.moment)
    assert json.loads(new)["prev"] == hashlib.sha256(old).hexdigest()
    assert json.loads(new)["seq"] == 2


def test_a_floating_point_number_is_refused_because_it_has_no_one_form(log: AuditLog) -> None:
    with pytest.raises(ValueError, match=r"detail\.load is a floating point number"):
        log.append(actor="a", action="x", target="t", detail={"load": 0.5})
    log.append(actor="a", action="x", target="t")
    assert len(lines(log)) == 1


@pytest.mark.parametrize("cut", [1, 20, 150])
def test_a_line_cut_off_by_a_crash_stays_in_the_file_and_is_told_in_the_chain(log: AuditLog, cut: int) -> None:
    for number in range(3):
        log.append(actor="a", action="x", target=str(number))
    path = log.files.log(DAY.date())
    path.write_bytes(path.read_bytes()[:-cut])
    log.append(actor="a", action="after", target="t")
    kept = lines(log)
    if cut == 1:  # only the newline was missing: the record was whole
        assert [json.loads(line)["seq"] for line in kept] == [1, 2, 3, 4]
    else:
        recovered = json.loads(kept[3])
        assert (recovered["action"], recovered["seq"]) == (RECOVERED, 3)
        assert recovered["detail"]["fragment_sha256"] == hashlib.sha256(kept[2]).hexdigest()
        assert json.loads(kept[4])["seq"] == 4
    assert verify(log.files, DAY).findings == ()


def test_zeros_left_by_a_power_cut_are_closed_and_told(log: AuditLog) -> None:
    log.append(actor="a", action="x", target="t")
    with log.files.log(DAY.date()).open("ab") as file:
        file.write(b"\0" * 300 + b"\r\0")
    log.append(actor="a", action="y", target="t")
    assert [json.loads(line)["action"] for line in lines(log)[2:]] == [RECOVERED, "y"]
    assert verify(log.files, DAY).findings == ()


def test_a_broken_line_that_no_recovery_explains_is_a_finding(log: AuditLog) -> None:
    log.append(actor="a", action="x", target="t")
    with log.files.log(DAY.date()).open("ab") as file:
        file.write(b"not a record\n")
    report = verify(log.files, DAY)
    assert not report.holds(Question.INTACT)
    assert report.findings[0].detail == "this line is not a record"


def test_a_clock_set_back_is_an_event_and_never_reopens_an_older_day(log: AuditLog, clock: Clock) -> None:
    log.append(actor="a", action="x", target="t")
    clock.moment -= timedelta(days=2)
    log.append(actor="a", action="y", target="t")
    assert log.files.log_days() == [DAY.date()]
    stepped = json.loads(lines(log)[1])
    assert (stepped["action"], stepped["detail"]) == (CLOCK_STEPPED_BACK, {"seconds": 2 * 86400})


def append_many(root: Path, actor: str, count: int) -> None:
    log = AuditLog(root, now=lambda: DAY)
    for number in range(count):
        log.append(actor=actor, action="x", target=str(number))


def test_two_processes_with_threads_write_one_gap_free_chain(tmp_path: Path) -> None:
    root = tmp_path / "audit"
    other = multiprocessing.get_context("spawn").Process(target=append_many, args=(root, "worker", 40))
    other.start()
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(append_many, root, f"web{number}", 10) for number in range(4)]:
            future.result()
    other.join()
    log = AuditLog(root)
    records = [json.loads(line) for line in lines(log)]
    assert other.exitcode == 0
    assert [record["seq"] for record in records] == list(range(1, 81))
    assert verify(log.files, DAY).findings == ()


def test_a_record_that_cannot_be_written_is_an_error_with_place_cause_and_next_step(tmp_path: Path) -> None:
    blocked = tmp_path / "audit"
    blocked.write_text("a file where the directory should be")
    with pytest.raises(AuditError, match=r"(?s)audit.*could not be written.*Next:"):
        AuditLog(blocked).append(actor="a", action="x", target="t")
