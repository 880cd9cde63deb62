"""Sealed days are verified with the auditor's own tools, and every kind of tampering shows."""

import json
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from console.audit.log import AuditLog
from console.audit.record import digest
from console.audit.seal import STARTED, seal_finished_days
from console.audit.verify import Anchors, Question, verify

FIRST = date(2026, 11, 20)
TODAY = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    """Three days with records (one of them quiet) and a fourth that goes on."""
    moments = iter(())
    now = [datetime(2026, 11, 20, 8, 0, tzinfo=UTC)]
    log = AuditLog(tmp_path / "audit", now=lambda: next(moments, now[0]), mono=lambda: 1)
    log.append(actor="system", action=STARTED, target="worker", detail={"boot_id": "b1"})
    log.append(actor="admin", action="login", target="console")
    now[0] += timedelta(days=2)
    log.append(actor="admin", action="login", target="console")
    now[0] = TODAY
    log.append(actor="admin", action="login", target="console")
    sealed = seal_finished_days(log, "appliance1", "synchronised")
    assert [one.day for one in sealed] == [FIRST + timedelta(days=number) for number in range(4)]
    return log


def run(command: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S602 — these are the very lines an auditor types
        command, shell=True, cwd=directory, text=True, capture_output=True, check=False, executable="/bin/bash"
    )


def seal(log: AuditLog, day: date = FIRST) -> dict[str, str]:
    text = log.files.seal(day).read_text()
    return dict(line.split(": ", 1) for line in text.splitlines())


def findings(log: AuditLog, anchors: Anchors | None = None) -> dict[Question, list[str]]:
    report = verify(log.files, TODAY, anchors or Anchors())
    return {
        question: [f"{one.place} {one.detail}" for one in report.findings if one.question is question]
        for question in Question
    }


def test_openssl_and_sha256sum_verify_a_sealed_log(log: AuditLog) -> None:
    root = log.root
    for day in log.files.seal_days():
        done = run(
            f"openssl dgst -sha256 -verify keys/p256.pub.pem -signature seals/{day}.seal.p256.sig seals/{day}.seal",
            root,
        )
        assert done.stdout == "Verified OK\n", done.stderr
        assert run(f"sha256sum <log/{day}.jsonl", root).stdout.split()[0] == seal(log, day)["sha256"]
    chain = run(
        "p=$(printf '0%.0s' $(seq 64)); for s in seals/*.seal; do "
        'grep -q "previous-seal-sha256: $p" $s || echo BROKEN $s; p=$(sha256sum <$s|cut -c1-64); done; echo head $p',
        root,
    )
    assert chain.stdout.startswith("head ")
    last = run(f"tail -1 log/{FIRST}.jsonl | sha256sum", root)
    assert last.stdout.split()[0] == seal(log)["last-line-sha256"]
    paper = run("openssl pkey -pubin -in keys/p256.pub.pem -outform DER | sha256sum", root)
    assert paper.stdout.split()[0] == seal(log)["key-sha256"]


def test_a_seal_counts_records_and_boots_and_a_quiet_day_is_sealed_too(log: AuditLog) -> None:
    names = ("host", "boot-ids", "records", "first-seq", "last-seq", "clock")
    assert [seal(log)[name] for name in names] == ["appliance1", "1", "2", "1", "2", "synchronised"]
    quiet = seal(log, FIRST + timedelta(days=1))
    assert (quiet["records"], quiet["first-seq"]) == ("0", "-")
    assert quiet["last-line-sha256"] == seal(log)["last-line-sha256"]


def test_an_untouched_log_is_intact_and_complete(log: AuditLog) -> None:
    report = verify(log.files, TODAY)
    assert report.findings == ()
    assert (report.records, report.sealed_days) == (4, 4)
    assert report.key_sha256 == seal(log)["key-sha256"]


def test_sealing_again_changes_nothing_and_an_interrupted_seal_gets_its_signature(log: AuditLog) -> None:
    before = {path: path.read_bytes() for path in (log.root / "seals").iterdir()}
    assert seal_finished_days(log, "appliance1", "synchronised") == []
    assert {path: path.read_bytes() for path in (log.root / "seals").iterdir()} == before
    log.files.signature(FIRST).unlink()
    seal_finished_days(log, "appliance1", "synchronised")
    assert findings(log) == {Question.INTACT: [], Question.COMPLETE: []}


def test_one_changed_byte_breaks_the_chain_the_seal_and_sha256sum(log: AuditLog) -> None:
    path = log.files.log(FIRST)
    path.write_bytes(path.read_bytes().replace(b'"admin"', b'"nobod"', 1))
    intact = findings(log)[Question.INTACT]
    assert any("differs from its seal" in one for one in intact)
    assert any("hash of the line before it does not match" in one for one in intact)
    assert run(f"sha256sum <log/{FIRST}.jsonl", log.root).stdout.split()[0] != seal(log)["sha256"]


def test_a_changed_seal_fails_its_signature_in_openssl_too(log: AuditLog) -> None:
    path = log.files.seal(FIRST)
    path.write_text(path.read_text().replace("records: 2", "records: 1"))
    done = run(
        f"openssl dgst -sha256 -verify keys/p256.pub.pem -signature seals/{FIRST}.seal.p256.sig seals/{FIRST}.seal",
        log.root,
    )
    assert done.returncode == 1
    assert "Verification failure" in done.stdout + done.stderr
    assert any("the signature is not the key's" in one for one in findings(log)[Question.INTACT])


def test_a_removed_tail_of_a_sealed_day_shows(log: AuditLog) -> None:
    path = log.files.log(FIRST)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    found = findings(log)
    assert any("has 1 records, its seal says 2" in one for one in found[Question.INTACT])
    assert any("record 3 follows record 1" in one for one in found[Question.COMPLETE])


def test_a_removed_day_shows(log: AuditLog) -> None:
    for path in (log.files.log(FIRST), log.files.seal(FIRST), log.files.signature(FIRST)):
        path.unlink()
    found = findings(log)
    assert any("does not continue the seal of the day before" in one for one in found[Question.INTACT])
    assert any("record 3 follows record 0" in one for one in found[Question.COMPLETE])


def test_a_cut_unsealed_tail_shows_against_what_the_store_has_seen(log: AuditLog) -> None:
    path = log.files.log(TODAY.date())
    line = path.read_bytes()
    anchors = Anchors(head_seq=4, head_line_sha256=digest(line))
    assert findings(log, anchors)[Question.COMPLETE] == []
    path.unlink()
    assert any("the store has seen record 4" in one for one in findings(log, anchors)[Question.COMPLETE])


def test_removed_newest_seals_show_against_the_store_and_against_the_calendar(log: AuditLog) -> None:
    last = FIRST + timedelta(days=3)
    anchors = Anchors(seals={last: digest(log.files.seal(last).read_bytes())})
    log.files.seal(last).unlink()
    complete = findings(log, anchors)[Question.COMPLETE]
    assert any("the store remembers this seal; it is gone" in one for one in complete)
    assert any("this finished day has no seal" in one for one in complete)


def test_a_forged_line_with_a_right_hash_still_breaks_the_numbers(log: AuditLog) -> None:
    path = log.files.log(TODAY.date())
    line = path.read_bytes()
    forged = json.loads(line)
    forged |= {"prev": digest(line)}
    path.write_bytes(line + json.dumps(forged, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    assert any("record 4 follows record 4" in one for one in findings(log)[Question.INTACT])
