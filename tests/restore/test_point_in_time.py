"""Any point in time: a real cluster that archives into a spool, base and WAL in real repositories, back to a moment."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup.config.policy import Config
from backup.errors import BackupError
from backup.night.recorder import now_utc
from backup.point_in_time import archive, base, operation, plan, store, wal
from backup.point_in_time.store import read_state
from backup.point_in_time.unpack import unpack, verify_base
from backup.postgres import postgresql, scratch
from backup.postgres.postgresql import Database
from backup.process import end, ending_with_us
from backup.repositories import repository
from backup.restore import programs, server
from backup.restore.operation import Done
from backup.restore.request import LATEST, Request
from backup.status import Outcome, Verdict
from backup.verification.verify import verify_policy
from tests.backup.clinic_host import ClinicHost, both, run
from tests.backup.conftest import scratch_place
from tests.backup.test_cli import CHECKOUT, xinglin
from tests.backup.test_death import await_true


@dataclass
class Clinic:
    """A cluster whose WAL is archived, with one database; its policy wants any point in time."""

    database: Database
    host: ClinicHost
    config: Config
    spool: Path

    def sql(self, script: str) -> str:
        return postgresql.query(self.database, script)

    def visit(self, name: str) -> datetime:
        """Commit one row and return a moment after it and before anything else."""
        self.sql(f"INSERT INTO public.visits VALUES ('{name}');")  # noqa: S608
        return self.now()

    def now(self) -> datetime:
        text = self.sql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US');")
        return datetime.fromisoformat(text.strip()).replace(tzinfo=UTC)

    def archive_all(self) -> str:
        """Have everything so far archived; return the name of the last segment."""
        name = self.sql("SELECT pg_walfile_name(pg_switch_wal());").strip()
        await_true((self.directory / name).exists, f"{name} in the spool")
        return name

    @property
    def directory(self) -> Path:
        return next(path for path in self.spool.iterdir() if path.is_dir())

    def archive_system(self) -> str:
        return self.sql("SELECT system_identifier FROM pg_control_system();").strip()

    def visits(self, database: str) -> list[str]:
        return postgresql.query(server.named(self.database, database), "SELECT name FROM public.visits;").split()

    def back(self, until: datetime | str, **request: object) -> Done:
        asked = Request("his", databases=("his",), until=until, **request)  # type: ignore[arg-type]
        return operation.execute(self.config, plan.make(self.config, asked, now_utc()), show=lambda *_: None)


def set_command(command: str) -> str:
    setting = server.literal(command)
    return f"ALTER SYSTEM SET archive_command = {setting}; SELECT pg_reload_conf() \\g /dev/null\n"


@pytest.fixture
def clinic(host: ClinicHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clinic]:
    if os.geteuid() != 0 or not postgresql.INSTALLED.is_dir():
        pytest.skip("needs root and PostgreSQL")
    with scratch_place() as place:
        spool = place / "wal" / "54399"
        spool.mkdir(parents=True)
        for path in (spool.parent, spool):
            programs.give_to_server_user(path)
        monkeypatch.setattr(base, "SPOOL", place / "wal")
        monkeypatch.setattr(plan, "SPOOL", place / "wal")
        code = place / "code"
        for package in ("backup", "backup/point_in_time"):
            (code / package).mkdir(parents=True, exist_ok=True)
            (code / package / "__init__.py").touch()
        shutil.copy(archive.__file__, code / "backup/point_in_time/archive.py")
        # The server archives as its own user, whatever the umask.
        for path in (code, *code.rglob("*")):
            path.chmod(0o755)
        command = f"PYTHONPATH={code} {sys.executable} -m backup.point_in_time.archive {spool} %p %f"
        settings = {"archive_mode": "on", "wal_level": "replica", "fsync": "on"}
        usual = scratch.SETTINGS
        monkeypatch.setattr(scratch, "SETTINGS", {**scratch.SETTINGS, **settings})
        with scratch.server(place, int(postgresql.binary("postgres").parts[-3])) as live:
            monkeypatch.setattr(scratch, "SETTINGS", usual)
            postgresql.query(live.source, set_command(command))
            postgresql.query(live.source, "CREATE ROLE his LOGIN; CREATE DATABASE his OWNER his;")
            his = live.database("his")
            postgresql.query(his, "CREATE TABLE public.visits (name text PRIMARY KEY);")
            where = {"socket_directory": str(his.socket_directory), "port": his.port}
            config = host.configure([{"postgresql": {"database": "his", "point_in_time": True, **where}}])
            yield Clinic(his, host, config, spool)


def test_back_to_the_moment_between_two_known_commits(clinic: Clinic) -> None:
    clinic.visit("before-the-base")
    done = run(clinic.config)
    assert done.cause is None
    assert done.outcome is Outcome.SUCCESS
    earlier = clinic.now()
    first = clinic.visit("kept")
    clinic.visit("after-the-moment")
    clinic.archive_all()
    state = store.store(clinic.config)
    assert state.cause is None
    assert state.outcome is Outcome.SUCCESS
    assert read_state(clinic.config) == state
    assert "cluster-54399: stored until 2" in xinglin(clinic.host, "status").stdout
    shutil.rmtree(clinic.spool)
    for repository_name in ("local", "offsite"):
        back = clinic.back(first, target=f"his_{repository_name}", repository=repository_name)
        assert back.record.cause is None
        assert clinic.visits(f"his_{repository_name}") == ["before-the-base", "kept"]
        assert back.record.until == first
        assert back.record.as_of is not None
        assert earlier < back.record.as_of <= first
        assert [step.name for step in back.record.steps] == [
            "fetch", "base", "wal", "recover", "dump", "read", "restore", "compare", "switch",
        ]  # fmt: skip
    assert clinic.visits("his") == ["before-the-base", "kept", "after-the-moment"]


def test_a_mistake_of_a_minute_ago_is_undone_in_place_with_what_the_live_server_still_holds(clinic: Clinic) -> None:
    """Nothing since the base is in a repository yet, and the last WAL is not even archived."""
    run(clinic.config)
    good = clinic.visit("kept")
    clinic.sql("DELETE FROM public.visits;")
    host, until = clinic.host, good.isoformat()
    flags = ["restore", "--database", "his", "--until", until, "--in-place"]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    script = "import sys; from pathlib import Path; from backup.cli import backup\n"
    script += "from backup.point_in_time import base, plan\n"
    script += f"base.SPOOL = plan.SPOOL = Path({str(base.SPOOL)!r})\nbackup(sys.argv[1:])"
    command = [sys.executable, "-c", script, *flags, "--config", str(host.config_path)]

    def xinglin_with_spool(*more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command, *more], env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    refused = xinglin_with_spool("--confirm", "wrong")
    assert refused.returncode == 2, refused.stderr
    assert "the live database his becomes his_before_" in refused.stdout
    done = xinglin_with_spool("--confirm", "his")
    assert done.returncode == 0, done.stderr
    assert "the last transaction that is in it: 2" in done.stdout
    assert clinic.visits("his") == ["kept"]


def test_as_far_as_the_wal_goes_and_no_further_claim_than_it_holds(clinic: Clinic, tmp_path: Path) -> None:
    run(clinic.config)
    last = clinic.visit("last")
    clinic.archive_all()
    assert store.store(clinic.config).outcome is Outcome.SUCCESS
    shutil.rmtree(clinic.spool)
    early = clinic.back(now_utc(), target="his_too_far")
    assert early.record.cause is not None
    assert early.record.cause.code == "wal_ends_early"
    assert "--until latest" not in early.record.cause.detail
    assert "his_too_far" not in server.databases(clinic.database)
    latest = clinic.back(LATEST, target="his_latest")
    assert latest.record.cause is None
    assert clinic.visits("his_latest") == ["last"]
    assert latest.record.as_of is not None
    assert latest.record.as_of <= last
    with pytest.raises(BackupError) as caught:
        clinic.back(last - timedelta(days=1))
    assert caught.value.cause.code == "base_missing"
    with pytest.raises(BackupError) as caught:
        clinic.back(now_utc() + timedelta(hours=1))
    assert caught.value.cause.code == "configuration_wrong"


def test_a_gap_in_the_wal_is_told_with_the_missing_file_and_what_can_still_be_reached(clinic: Clinic) -> None:
    run(clinic.config)
    before = clinic.visit("before-the-gap")
    clinic.archive_all()
    clinic.visit("in-the-gap")
    lost = clinic.archive_all()
    after = clinic.visit("after-the-gap")
    clinic.archive_all()
    (clinic.directory / lost).unlink()
    assert store.store(clinic.config).outcome is Outcome.SUCCESS
    shutil.rmtree(clinic.spool)
    for until in (after, LATEST):
        gap = clinic.back(until, target="his_gap")
        assert gap.record.cause is not None
        assert gap.record.cause.code == "wal_gap"
        assert gap.record.cause.detail.startswith(f"{lost} is missing")
        assert "whole until 2" in gap.record.cause.detail
    assert clinic.back(before, target="his_gap").record.cause is None
    assert clinic.visits("his_gap") == ["before-the-gap"]


def test_a_whole_cluster_comes_back_as_a_data_directory_that_starts(clinic: Clinic) -> None:
    run(clinic.config)
    moment = clinic.visit("kept")
    clinic.visit("later")
    with scratch_place() as place:
        target = place / "main"
        asked = Request("his", until=moment, target=str(target))
        done = operation.execute(clinic.config, plan.make(clinic.config, asked, now_utc()), show=lambda *_: None)
        assert done.record.cause is None
        assert [path.name for path in place.iterdir()] == ["main"]
        major = int(postgresql.binary("postgres").parts[-3])
        control = programs.run(
            [str(postgresql.binary("pg_controldata", major)), str(target)], clinic.database, code="unknown", place="x"
        )
        assert "shut down" in control
        home = place / "server"
        home.mkdir()
        programs.give_to_server_user(home)
        argv = [str(postgresql.binary("postgres", major)), "-D", str(target), "-c", f"unix_socket_directories={home}"]
        argv += ["-c", "archive_mode=off", "-c", "listen_addresses=", "-c", "port=54397"]
        started = subprocess.Popen(
            ending_with_us(argv, user="postgres", death_signal="QUIT"),
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        try:
            own = Database("his", home, 54397)

            def answer() -> str:
                with contextlib.suppress(BackupError):
                    return postgresql.query(own, "SELECT name FROM public.visits;")
                return ""

            await_true(answer, "the server on the restored directory")
            assert answer() == "kept\n"
        finally:
            end(started)


def test_the_base_is_proved_each_night_and_a_damaged_one_is_found(clinic: Clinic) -> None:
    run(clinic.config)
    with scratch_place() as place:
        proof = verify_policy(clinic.config, clinic.config.policy("his"), scratch_parent=place)
        assert proof.cause is None
        assert proof.verdict is Verdict.PASSED
        assert "base" in proof.phases
        assert any(item.id.endswith("pg_verifybackup") for item in proof.assertions)
        local, _ = both(clinic.config)
        stored = repository.snapshots(local, ["kind=base"])[0]
        data, major = place / "data", int(postgresql.binary("postgres").parts[-3])
        unpack(local, stored.id, base.BaseSource.filename, data)
        assert not verify_base(data, major)
        damaged = data / "global/pg_filenode.map"
        content = bytearray(damaged.read_bytes())
        content[50] ^= 1
        damaged.write_bytes(content)
        assert "pg_filenode.map" in verify_base(data, major)


def test_the_spool_keeps_what_two_bases_need_and_lets_go_of_what_both_repositories_have(clinic: Clinic) -> None:
    starts = []
    for number in range(3):
        assert run(clinic.config).outcome is Outcome.SUCCESS
        clinic.visit(f"v{number}")
        clinic.archive_all()
        listed = repository.snapshots(both(clinic.config)[0], ["policy=his"])
        starts.append(max(str(item.tag("from")) for item in listed if item.tag("kind") == "base"))
        if number == 2:
            clinic.host.offsite_server.stop()
            assert store.store(clinic.config).outcome is Outcome.WARNING
            assert min(path.name for path in clinic.directory.iterdir() if wal.is_segment(path.name)) < starts[1]
            clinic.host.offsite_server.start()
        assert store.store(clinic.config).outcome is Outcome.SUCCESS
    assert min(path.name for path in clinic.directory.iterdir() if wal.is_segment(path.name)) == starts[1]
    known = len(repository.snapshots(both(clinic.config)[0], ["kind=wal"]))
    assert store.store(clinic.config).outcome is Outcome.SUCCESS
    assert len(repository.snapshots(both(clinic.config)[0], ["kind=wal"])) == known


def test_when_the_disk_fills_the_database_goes_on_and_the_gap_is_an_alarm_until_the_next_base(
    clinic: Clinic, tmp_path: Path
) -> None:
    run(clinic.config)
    marker = clinic.spool / clinic.archive_system() / archive.DROPPED
    name = clinic.archive_all()
    control = tmp_path / "global/pg_control"
    control.parent.mkdir()
    control.write_bytes(int(clinic.archive_system()).to_bytes(8, sys.byteorder))
    segment = tmp_path / "segment"
    segment.write_bytes(bytes(16 << 20))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setattr(archive, "MOST_BYTES", 1)
        lost = wal.following(name, 16 << 20)
        assert archive.main([str(clinic.spool), str(segment), lost]) == 0
    assert marker.read_text().endswith(f" {lost}\n")
    state = store.store(clinic.config)
    assert state.outcome is Outcome.FAILED
    assert state.cause is not None
    assert state.cause.code == "wal_dropped"
    for number in range(2):
        clinic.visit(f"later-{number}")
        clinic.archive_all()
    assert run(clinic.config).outcome is Outcome.SUCCESS
    assert store.store(clinic.config).outcome is Outcome.SUCCESS
    assert not marker.exists()


def test_a_server_that_archives_nothing_fails_the_night_and_the_store(clinic: Clinic) -> None:
    clinic.sql(set_command("true"))
    await_true(lambda: clinic.sql("SHOW archive_command;") == "true\n", "the setting")
    done = run(clinic.config)
    assert done.cause is not None
    assert done.cause.code == "wal_not_archived"
    state = store.store(clinic.config)
    assert (state.outcome, state.cause and state.cause.code) == (Outcome.FAILED, "wal_not_archived")


def test_an_archived_file_is_never_overwritten_and_the_same_file_again_is_fine(tmp_path: Path) -> None:
    (tmp_path / "global").mkdir()
    (tmp_path / "global/pg_control").write_bytes(bytes([7] + [0] * 15))
    segment = tmp_path / "0"
    segment.write_bytes(b"x" * 100_000 + bytes(900_000) + b"y")
    name = "0" * 24
    spool = tmp_path / "spool"
    with contextlib.chdir(tmp_path):
        assert archive.main([str(spool), "0", name]) == 0
        stored = spool / "7" / name
        assert stored.read_bytes() == segment.read_bytes()
        assert 512 * stored.stat().st_blocks < 500_000
        assert archive.main([str(spool), "0", name]) == 0
        segment.write_bytes(b"z" * 1_000_001)
        assert archive.main([str(spool), "0", name]) == 1
    assert stored.read_bytes()[:1] == b"x"
    assert sorted(path.name for path in stored.parent.iterdir()) == [name]
