"""Power records: told to the journal when written, and served with the facts."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import agent.power_watch
from agent.config import Config
from agent.events import Journal
from agent.http import Request
from agent.pages import Pages
from agent.power.records import Cause, Phase, PowerRecord, Verdict, write_record
from agent.power_watch import PowerWatch
from agent.registry import Registry
from tests.agent.test_events import wait_until

STARTED = datetime(2026, 11, 23, 8, 3, 3, tzinfo=UTC)
RECORD = PowerRecord("20261123T080303Z-rack-ups-0a0068", "rack-ups", "his1", Cause.OUTAGE, Phase.ON_BATTERY, STARTED)


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Journal]:
    monkeypatch.setattr(agent.power_watch, "INTERVAL_SECONDS", 0.02)
    write_record(tmp_path / "power", RECORD)
    told = Journal()
    watch = PowerWatch(tmp_path / "power", told)
    watch.start()
    wait_until(lambda: watch._known)
    yield told
    watch.stop()


def test_each_write_of_a_record_is_an_event_and_an_old_one_is_none(journal: Journal, tmp_path: Path):
    write_record(tmp_path / "power", replace(RECORD, phase=Phase.FINISHED, verdict=Verdict.PASSED))
    wait_until(lambda: journal.wait(0).events)
    other = replace(RECORD, record_id="20261124T080303Z-rack-ups-0a0069")
    write_record(tmp_path / "power", other)
    wait_until(lambda: journal.wait(1).events)
    told = [(event.device, event.source, event.code, event.detail) for event in journal.wait(0).events]
    assert told == [
        ("rack-ups", "power", "power", f"{RECORD.record_id} finished passed"),
        ("rack-ups", "power", "power", f"{other.record_id} on_battery"),
    ]


def test_two_writes_within_one_tick_of_the_kernels_clock_are_two_events(journal: Journal, tmp_path: Path):
    path = tmp_path / "power" / f"{RECORD.record_id}.json"
    before = path.stat()
    write_record(tmp_path / "aside", replace(RECORD, phase=Phase.FINISHED, verdict=Verdict.PASSED))
    draft = tmp_path / "aside" / path.name
    os.utime(draft, ns=(before.st_atime_ns, before.st_mtime_ns))
    draft.replace(path)
    wait_until(lambda: journal.wait(0).events)


def test_records_and_the_boot_report_are_served_with_the_facts(config: Config, tmp_path: Path):
    def power() -> Any:  # noqa: ANN401 - JSON
        return pages._facts()["power"]

    pages = Pages(config, Registry(()), Journal(), "test")
    assert power() == {"boot": None, "records": []}
    write_record(tmp_path / "power", RECORD)
    (tmp_path / "power/boot.json").write_text('{"boot_id": "x"}')
    found = power()
    assert found["boot"] == {"boot_id": "x"}
    assert [record["record_id"] for record in found["records"]] == [RECORD.record_id]
    assert pages.answer(Request("GET", "/facts")).status == 200
