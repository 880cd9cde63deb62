"""Nights that go wrong: what is on record, what is in the repository, and that the next night heals."""

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.errors import BackupError
from backup.postgres import postgresql
from backup.postgres.postgresql import Database
from backup.repositories import locks, repository
from backup.status import Outcome
from tests.backup.clinic_host import ClinicHost, both, run
from tests.backup.servers import DAY, Authority


@contextlib.contextmanager
def dump_killed_whenever_it_waits(source: Database) -> Iterator[None]:
    """Lock a table against the dump, and end the connection of each dump that waits for the lock."""
    end_session = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE"
    locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted;"
    done = threading.Event()

    def kill_it() -> None:
        while not done.is_set():
            postgresql.query(source, f"{end_session} wait_event_type = 'Lock';")
            done.wait(0.1)

    killer = threading.Thread(target=kill_it)
    with tempfile.TemporaryFile() as script, tempfile.TemporaryFile() as log:
        script.write(b"BEGIN; LOCK TABLE public.visits; SELECT pg_sleep(60);")
        script.seek(0)
        holder = postgresql.as_server_user(
            postgresql.psql_command(), source, stdin=script, stdout=subprocess.DEVNULL, stderr=log
        )
        try:
            while postgresql.query(source, locked).strip() == "0":
                assert holder.poll() is None
            killer.start()
            yield
        finally:
            done.set()
            killer.join(30)
            postgresql.query(source, f"{end_session} query LIKE '%pg_sleep(60);';")
            holder.wait(30)


def test_a_failed_dump_leaves_no_snapshot_and_names_the_database(host: ClinicHost, cluster: Database) -> None:
    config = host.with_database(cluster)
    with dump_killed_whenever_it_waits(cluster):
        done = run(config)
    assert done.outcome is Outcome.FAILED
    assert done.cause is not None
    assert done.cause.code in {"dump_failed", "database_unreachable"}
    assert "database his" in done.cause.place
    assert "terminat" in done.cause.detail
    assert done.steps[-1].name == "dump"
    assert repository.snapshots(both(config)[0]) == []
    assert not list((host.local_server.data / "his1/locks").iterdir())


def test_a_database_that_does_not_exist_is_named(host: ClinicHost, cluster: Database) -> None:
    config = host.with_database(Database("gone", cluster.socket_directory, cluster.port))
    cause = run(config).cause
    assert cause is not None
    assert cause.code == "database_unreachable"
    assert 'database "gone" does not exist' in cause.detail


def test_a_wrong_repository_password_is_said_so(host: ClinicHost) -> None:
    config = host.with_files()
    (host.root / "repository.password").write_text("not it")
    cause = run(config).cause
    assert cause is not None
    assert cause.code == "wrong_password"


def test_a_missing_repository_is_never_made_silently(host: ClinicHost) -> None:
    config = host.with_files()
    shutil.rmtree(host.local_server.data / "his1")
    cause = run(config).cause
    assert cause is not None
    assert cause.code == "repository_missing"
    assert not (host.local_server.data / "his1/config").exists()


def test_a_wrong_http_password_is_said_so(host: ClinicHost) -> None:
    config = host.with_files()
    (host.root / "local.pw").write_text("other")
    cause = run(config).cause
    assert cause is not None
    assert (cause.code, cause.detail) == ("repository_refused", "HTTP 401")


def test_a_missing_source_path_stops_the_run_before_anything_is_stored(host: ClinicHost) -> None:
    config = host.configure([{"paths": [str(host.files), str(host.root / "not-mounted")]}])
    done = run(config)
    assert done.outcome is Outcome.FAILED
    assert done.cause is not None
    assert (done.cause.code, done.cause.place) == ("source_missing", str(host.root / "not-mounted"))
    assert repository.snapshots(both(config)[0]) == []


def test_an_unreadable_file_is_a_warning_that_names_it(host: ClinicHost) -> None:
    write_only = Path(f"/proc/{os.getpid()}/clear_refs")
    config = host.configure([{"paths": [str(host.files), str(write_only)]}])
    done = run(config)
    assert done.outcome is Outcome.WARNING
    assert done.cause is not None
    assert (done.cause.code, done.cause.place) == ("source_unreadable", str(write_only))
    assert done.snapshot_id is not None


def test_an_expired_certificate_is_said_so(host: ClinicHost) -> None:
    config = host.with_files()
    host.local_server.stop()
    host.local_server.certificate = host.local_server.authority.issue("expired", -DAY)
    host.local_server.start()
    cause = run(config).cause
    assert cause is not None
    assert (cause.code, cause.detail) == ("certificate_expired", "certificate has expired")


def test_a_stranger_at_the_repository_address_gets_nothing(host: ClinicHost, tmp_path: Path) -> None:
    config = host.with_files()
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    host.local_server.stop()
    host.local_server.certificate = Authority(stranger).issue("local")
    host.local_server.start()
    cause = run(config).cause
    assert cause is not None
    assert cause.code == "certificate_untrusted"


def test_an_offsite_vault_that_is_off_is_a_warning_and_the_next_run_catches_up(host: ClinicHost) -> None:
    config = host.with_files()
    local, offsite = both(config)
    host.offsite_server.stop()
    first = run(config)
    assert first.outcome is Outcome.WARNING
    assert first.cause is not None
    assert first.cause.code == "offsite_unreachable"
    assert first.snapshot_id is not None
    assert first.offsite_snapshot_id is None
    host.offsite_server.start()
    second = run(config)
    assert second.outcome is Outcome.SUCCESS
    assert second.steps[-2].numbers == {"snapshots_copied": 2.0, "snapshots_missing": 0.0}
    assert {item.original for item in repository.snapshots(offsite)} == {
        item.id for item in repository.snapshots(local)
    }


def test_a_full_repository_disk_is_said_so_and_old_snapshots_stay(host: ClinicHost) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small tmpfs")
    config = host.with_files()
    data, kept = host.local_server.data, host.root / "kept"
    host.local_server.stop()
    shutil.move(data, kept)
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", data], check=True, timeout=30)
    try:
        shutil.copytree(kept, data, dirs_exist_ok=True)
        host.local_server.start()
        good = run(config)
        (host.files / "scan.dcm").write_bytes(secrets.token_bytes(40_000_000))
        full = run(config)
        (host.files / "scan.dcm").unlink()
        listed = [item.id for item in repository.snapshots(both(config)[0])]
    finally:
        host.local_server.stop()
        subprocess.run(["umount", data], check=True, timeout=30)
    assert good.outcome is Outcome.SUCCESS
    assert full.outcome is Outcome.FAILED
    assert full.cause is not None
    assert full.cause.code == "repository_full"
    assert listed == [good.snapshot_id]


def test_a_lost_pack_file_fails_the_run(host: ClinicHost) -> None:
    config = host.with_files()
    run(config)
    pack = next(path for path in (host.local_server.data / "his1/data").glob("*/*") if path.is_file())
    pack.chmod(0o600)
    pack.unlink()
    done = run(config)
    assert done.outcome is Outcome.FAILED
    assert done.cause is not None
    assert done.cause.code == "repository_damaged"
    outcomes = {step.name: step.outcome for step in done.steps}
    assert outcomes["check"] is Outcome.FAILED
    assert outcomes["copy"] is Outcome.SUCCESS
    assert done.offsite_snapshot_id is not None


def test_a_second_job_does_not_start_beside_the_first(host: ClinicHost) -> None:
    config = host.with_files()
    with locks.mutex(config.mutex), pytest.raises(BackupError) as caught:
        run(config)
    assert caught.value.cause.code == "already_running"
    assert caught.value.cause.detail == f"process {os.getpid()}"
