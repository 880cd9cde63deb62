"""What hosts and repository servers report of backups reaches the store, the rules and the status document."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from backup.point_in_time.store import WalState
from backup.status import (
    Anomaly,
    BackupRun,
    Cause,
    CopyDisk,
    CopyState,
    Outcome,
    Purpose,
    RefusedDelete,
    RepositoryState,
    RestoreRecord,
    SpaceState,
    Step,
    Trigger,
    Verdict,
    Verification,
    to_json,
)
from console.audit.log import AuditLog
from console.policy_view import PROBE
from console.rules.wal import any_point_until
from console.status import status_document
from console.store.models import (
    CopyRow,
    RefusedDeletion,
    RepositoryRow,
    RepositorySize,
    RestoreRow,
    SpaceRow,
    VerificationRow,
    WalRow,
)
from console.view import RECOVERY_KEY, load_view
from console.worker.backups import ingest_backups
from console.worker.keeping import RECORDS_KEPT, Keeper
from tests.console.conftest import NOW
from tests.console.fixture_config import console_config, host

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STATE = RepositoryState(
    server="vault1",
    host="his1",
    kind="offsite",
    started_at=NOW - HOUR,
    outcome=Outcome.WARNING,
    finished_at=NOW,
    steps=(Step("check", Outcome.SUCCESS, NOW - HOUR, NOW),),
    sets=2,
    snapshots=4,
    size_bytes=7,
    sizes=(("2026-11-21", 5), ("2026-11-22", 7)),
    broken_packs=("a" * 64,),
    paused_since=NOW,
    anomalies=(Anomaly("mass_change", "his", "b" * 64, NOW, "6000 of 20001"),),
    cause=Cause("repository_damaged", "/srv/his1", "one pack"),
)
SPACE = SpaceState(
    server="vault1",
    at=NOW,
    path="/srv",
    total_bytes=100,
    free_bytes=60,
    refused_deletes=(RefusedDelete(NOW, "his1", "198.18.0.99", "/his1/data/ab"),) * 2,
)


def take(sessions: sessionmaker[Session], name: str, **backup: object) -> None:
    with sessions.begin() as session:
        ingest_backups(session, name, json.loads(json.dumps(backup)), NOW)


def test_a_server_speaks_for_its_repositories_and_nobody_elses(sessions: sessionmaker[Session]) -> None:
    foreign = to_json(replace(STATE, server="appliance1"))
    take(sessions, "vault1", repositories=[to_json(STATE), foreign, {"schema": 1}], space=to_json(SPACE))
    take(sessions, "his1", repositories=[to_json(STATE)], space=to_json(replace(SPACE, free_bytes=1)))
    with sessions() as session:
        row = session.scalars(select(RepositoryRow)).one()
        assert (row.server, row.host, row.kind, row.broken_packs) == ("vault1", "his1", "offsite", ["a" * 64])
        assert (row.cause_code, row.anomalies[0]["code"], row.paused_since) == (
            "repository_damaged",
            "mass_change",
            NOW,
        )
        assert session.scalars(select(SpaceRow.free_bytes)).all() == [60]
        assert session.scalars(select(RefusedDeletion.address)).all() == ["198.18.0.99"]


def test_further_copies_are_kept_by_host_and_name_and_forgotten_when_nobody_makes_them(
    sessions: sessionmaker[Session],
) -> None:
    disk = CopyDisk("xinglin-b", NOW - 15 * DAY)
    usb = CopyState(
        "appliance1", "his1", "usb", "disk", NOW - HOUR, "xinglin-a", Outcome.WARNING, NOW, complete_at=NOW,
        disks=(disk,), cause=Cause("copy_disk_overdue", "usb", "xinglin-b: 2026-11-01"),
    )  # fmt: skip
    foreign = replace(usb, server="vault1", name="other")
    take(sessions, "appliance1", copies=[to_json(usb), to_json(replace(usb, host="pacs1")), to_json(foreign)])
    take(sessions, "vault1", copies=[])
    with sessions() as session:
        rows = session.scalars(select(CopyRow).order_by(CopyRow.host)).all()
        assert [(row.host, row.name, row.place) for row in rows] == [
            ("his1", "usb", "xinglin-a"),
            ("pacs1", "usb", "xinglin-a"),
        ]
        assert (rows[0].disks, rows[0].cause_code) == ([to_json(disk)], "copy_disk_overdue")
    take(sessions, "appliance1", copies=[to_json(usb)])
    with sessions() as session:
        assert session.scalars(select(CopyRow.host)).all() == ["his1"]
    take(sessions, "appliance1")
    with sessions() as session:
        assert session.scalars(select(CopyRow.host)).all() == []


def test_sizes_of_days_stay_when_the_server_forgets_them_and_a_day_is_updated(sessions: sessionmaker[Session]) -> None:
    take(sessions, "vault1", repositories=[to_json(STATE)])
    later = replace(STATE, sizes=(("2026-11-22", 8), ("2026-11-23", 9), ("no day", 1)))
    take(sessions, "vault1", repositories=[to_json(later)])
    with sessions() as session:
        rows = session.execute(select(RepositorySize.day, RepositorySize.size_bytes).order_by(RepositorySize.day))
        assert list(rows) == [(date(2026, 11, 21), 5), (date(2026, 11, 22), 8), (date(2026, 11, 23), 9)]


def test_restores_and_the_new_fields_of_restore_tests_are_kept(sessions: sessionmaker[Session]) -> None:
    restore = RestoreRecord(
        "r1", "his1", "his", "offsite", "database his", "/srv/x", False, Purpose.REBUILD, "root", NOW - HOUR,
        Outcome.FAILED, NOW, as_of=NOW - DAY, until=NOW - DAY, cause=Cause("wrong_password", "p", "d"),
    )  # fmt: skip
    test = Verification(
        "v1", "his1", "his", "local", NOW, NOW, Verdict.PASSED, rto_seconds=9, rto_target_seconds=14400,
        rpo_target_seconds=86400, bytes_restored=77,
    )  # fmt: skip
    take(
        sessions,
        "his1",
        restores=[to_json(restore), to_json(replace(restore, host="x"))],
        verifications=[to_json(test)],
    )
    with sessions() as session:
        row = session.scalars(select(RestoreRow)).one()
        assert (row.purpose, row.outcome, row.until, row.cause_code) == (
            "rebuild",
            "failed",
            NOW - DAY,
            "wrong_password",
        )
        proof = session.scalars(select(VerificationRow)).one()
        assert (proof.rto_target_seconds, proof.rpo_target_seconds, proof.bytes_restored) == (14400, 86400, 77)


def test_the_view_has_the_newest_answers_of_probes_and_the_newest_key_drill(
    sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    bad = Cause("not_append_only", "rest:…", "HTTP 200")
    clear = {"local_protected": 1.0, "offsite_protected": 1.0}
    steps = [
        (Step(PROBE, Outcome.SUCCESS, NOW - 2 * DAY, NOW - 2 * DAY, numbers=clear),),
        (Step(PROBE, Outcome.WARNING, NOW - DAY, NOW - DAY, bad, {"local_protected": 0.0}),),  # the vault was away
    ]
    runs = [
        BackupRun(str(number), "his1", "his", Trigger.SCHEDULE, "b", 1, NOW - (2 - number) * DAY, steps=tuple(found))
        for number, found in enumerate(steps)
    ]
    drill = RestoreRecord(
        "k", "his1", "", "offsite", RECOVERY_KEY, "-", False, Purpose.DRILL, "root", NOW - DAY, Outcome.SUCCESS, NOW
    )
    failed = replace(drill, restore_id="k2", started_at=NOW, outcome=Outcome.FAILED)
    take(sessions, "his1", runs=[to_json(run) for run in runs], restores=[to_json(drill), to_json(failed)])
    with sessions() as session:
        view = load_view(session, console_config(tmp_path))
        probes = {probe.repository: probe for probe in view.policies[0].probes}
        assert probes["local"].cause == {"code": "not_append_only", "place": "rest:…", "detail": "HTTP 200"}
        assert not probes["local"].refused
        assert (probes["offsite"].refused, probes["offsite"].at) == (True, NOW - 2 * DAY)
        assert [one.restore_id for one in (view.key_drill, view.key_failure) if one] == ["k", "k2"]


def test_the_status_document_says_how_repositories_and_proofs_stand(
    sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    config = console_config(tmp_path, (host(), host("vault1")))
    tests = [
        Verification(
            f"v{night}", "his1", "his", "local", NOW - night * DAY, NOW - night * DAY + HOUR, Verdict.PASSED,
            rto_seconds=3600, rpo_seconds=60, bytes_restored=1000 - 10 * night,
        )
        for night in range(10)
    ]  # fmt: skip
    take(sessions, "his1", verifications=[to_json(test) for test in tests])
    take(sessions, "vault1", repositories=[to_json(STATE)], space=to_json(SPACE))
    with sessions() as session:
        document = status_document(session, config, NOW)
    backup, repository, space = document["backups"][0], document["repositories"][0], document["space"][0]
    assert (backup["proved"], backup["rto_target_seconds"]) == (True, 14400)
    assert backup["rto_forecast_seconds"] == pytest.approx(3600, rel=0.05)
    assert backup["rto_target_crossed_at"] > "2027"
    assert (repository["server"], repository["broken_packs"], repository["anomalies"]) == ("vault1", 1, ["mass_change"])
    assert (space["free_bytes"], space["days_until_full"]) == (60, None)
    json.dumps(document)


def test_each_repository_is_proved_by_its_own_test(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    def proof(name: str, repository: str, at: datetime, verdict: Verdict) -> Verification:
        return Verification(
            name, "his1", "his", repository, at, at, verdict, rto_seconds=60, rto_forecast_seconds=90, bytes_restored=1
        )

    stored = BackupRun("r", "his1", "his", Trigger.SCHEDULE, "b", 1, NOW - 9 * DAY, Outcome.SUCCESS)
    tests = [
        proof("v1", "local", NOW - 3 * DAY, Verdict.PASSED),
        proof("v2", "offsite", NOW - 8 * DAY, Verdict.PASSED),
        proof("v3", "offsite", NOW - DAY, Verdict.ERROR),
    ]
    runs = [to_json(replace(stored, offsite_snapshot_id="f" * 64))]
    take(sessions, "his1", verifications=[to_json(test) for test in tests], runs=runs)
    with sessions() as session:
        view = load_view(session, console_config(tmp_path)).policies[0]
        assert [(one.newest and one.newest.verification_id, one.passed and one.passed.verification_id)
                for one in (view.local, view.offsite)] == [("v1", "v1"), ("v3", "v2")]  # fmt: skip
        assert [proof.seconds for proof in view.proofs] == [90]
        proofs = status_document(session, console_config(tmp_path), NOW)["backups"][0]["proofs"]
    assert {kind: proof["standing"] for kind, proof in proofs.items()} == {"local": "overdue", "offsite": "error"}
    assert proofs["local"]["rto_forecast_seconds"] == 90


def test_wal_is_taken_in_as_the_host_writes_it(sessions: sessionmaker[Session]) -> None:
    cause = Cause("wal_not_archived", "PostgreSQL 5432", "failing: 000000010000000000000007")
    state = WalState("his1", NOW, Outcome.FAILED, 2, 1 << 25, {"5432": NOW - HOUR}, ("x",), cause)
    take(sessions, "his1", wal=state.to_json())
    take(sessions, "vault1", wal=state.to_json())
    take(sessions, "his1", wal={"schema": 1, "host": "his1"})
    with sessions() as session:
        row = session.scalars(select(WalRow)).one()
        assert (row.host, row.at, row.outcome, row.segments) == ("his1", NOW, "failed", 2)
        assert any_point_until(row) == NOW - HOUR
        assert (row.cause_code, row.cause_place, row.dropped) == ("wal_not_archived", "PostgreSQL 5432", ["x"])


def test_old_sizes_refusals_and_restores_are_forgotten(sessions: sessionmaker[Session], audit: AuditLog) -> None:
    old = NOW - RECORDS_KEPT - DAY
    space = replace(SPACE, refused_deletes=(RefusedDelete(old, "his1", "a", "p"), RefusedDelete(NOW, "his1", "a", "p")))
    state = replace(STATE, sizes=((old.date().isoformat(), 1), ("2026-11-22", 2)))
    restore = RestoreRecord("o", "vault1", "his", "local", "x", "y", False, Purpose.RESTORE, "root", old)
    take(sessions, "vault1", repositories=[to_json(state)], space=to_json(space), restores=[to_json(restore)])
    Keeper(sessions, audit, "appliance1").clean()
    with sessions() as session:
        assert session.scalars(select(RepositorySize.size_bytes)).all() == [2]
        assert session.scalars(select(RefusedDeletion.at)).all() == [NOW]
        assert session.scalars(select(RestoreRow)).all() == []
        assert len(session.scalars(select(RepositoryRow)).all()) == 1
