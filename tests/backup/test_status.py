"""Status files: written whole, read whatever is there."""

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup.status import (
    KEPT,
    Assertion,
    BackupRun,
    Cause,
    Outcome,
    Step,
    Trigger,
    Verdict,
    Verification,
    new_id,
    parse_time,
    read_runs,
    read_verifications,
    run_from_json,
    to_json,
    verification_from_json,
    write_run,
    write_verification,
)

AT = datetime(2026, 1, 1, 18, 0, 0, 123000, UTC)
RUN = BackupRun(
    run_id="20260101T180000Z-his-000000",
    host="his1",
    policy="his",
    trigger=Trigger.SCHEDULE,
    boot_id="b",
    pid=7,
    started_at=AT,
    outcome=Outcome.WARNING,
    finished_at=AT + timedelta(minutes=5),
    steps=(
        Step("dump", Outcome.SUCCESS, AT, AT, None, {"bytes": 5.0}),
        Step("copy", Outcome.WARNING, AT, None, Cause("offsite_unreachable", "vault1", "异地")),
    ),
    cause=Cause("offsite_unreachable", "vault1", "异地"),
)
PROOF = Verification(
    verification_id="20260102T180000Z-his-000000",
    host="his1",
    policy="his",
    repository="local",
    started_at=AT,
    finished_at=AT,
    verdict=Verdict.FAILED,
    as_of=AT,
    rpo_seconds=3.5,
    phases={"fetch": 1.5},
    assertions=(Assertion("rows", Verdict.FAILED, "3", "2", "表"),),
    cause=None,
)


def test_records_survive_the_trip_through_their_files(tmp_path: Path) -> None:
    path = write_run(tmp_path / "runs", RUN)
    write_verification(tmp_path / "verifications", PROOF)
    assert read_runs(tmp_path / "runs") == [RUN]
    assert read_verifications(tmp_path / "verifications") == [PROOF]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.stat().st_gid == path.parent.stat().st_gid
    assert json.loads(path.read_text())["started_at"] == "2026-01-01T18:00:00.123Z"
    assert run_from_json(json.loads(json.dumps(to_json(RUN)))) == RUN
    assert verification_from_json(json.loads(json.dumps(to_json(PROOF)))) == PROOF


@pytest.mark.parametrize(
    "content",
    [
        "",
        '{"schema": 1, "run_id": "x',
        "[]",
        '{"schema": 2}',
        '{"schema": 1}',
        "\x00\x00",
        '{"schema": 1, "steps": [3]}',
    ],
)
def test_a_half_written_file_is_skipped_and_reported(tmp_path: Path, content: str) -> None:
    write_run(tmp_path, RUN)
    (tmp_path / "20270101T000000Z-his-ffffff.json").write_text(content)
    reported: list[Path] = []
    assert read_runs(tmp_path, lambda path, _: reported.append(path)) == [RUN]
    assert [path.name for path in reported] == ["20270101T000000Z-his-ffffff.json"]


def test_a_record_with_an_unknown_or_wrong_field_is_refused() -> None:
    good = to_json(RUN)
    for bad in ({"new": 1}, {"outcome": "great"}, {"started_at": "2026-01-01T00:00:00"}, {"steps": [{"name": "x"}]}):
        with pytest.raises(ValueError, match=r"."):
            run_from_json(good | bad)


def test_no_directory_is_no_runs(tmp_path: Path) -> None:
    assert read_runs(tmp_path / "none") == []


def test_only_the_newest_sixty_are_kept(tmp_path: Path) -> None:
    moments = [AT + timedelta(days=n) for n in range(KEPT + 3)]
    for moment in moments:
        write_run(tmp_path, replace(RUN, run_id=new_id("his", moment), started_at=moment))
    assert [run.started_at for run in read_runs(tmp_path)] == moments[:2:-1]


def test_what_runs_seldom_is_not_forgotten_beside_what_runs_often(tmp_path: Path) -> None:
    for n in range(5):
        moment = AT + timedelta(hours=n)
        write_run(tmp_path, replace(RUN, policy="pacs-ct", run_id=new_id("pacs-ct", moment), started_at=moment))
    for n in range(KEPT):
        moment = AT + timedelta(days=1, hours=n)
        write_run(tmp_path, replace(RUN, run_id=new_id("his", moment), started_at=moment))
    assert [run.policy for run in read_runs(tmp_path)].count("pacs-ct") == 3


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without zone"):
        parse_time("2026-01-01T00:00:00")
