"""Killed at any moment: nothing is lost, nothing half-finished looks finished, the next run heals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backup import process
from backup.errors import BackupError
from backup.night.recorder import boot_id, heal
from backup.repositories import locks, repository, restic
from backup.status import Outcome, read_runs, write_run
from tests.backup.clinic_host import ClinicHost, both, run

CHECKOUT = Path(__file__).parents[2]


def await_true(condition: Callable[[], object], what: str) -> None:
    """Return as soon as ``condition`` holds; fails after 60 s."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.02)


def start_job(host: ClinicHost) -> "subprocess.Popen[bytes]":
    """Start the real command with a repository so slow that it is hit in the middle, however late we are."""
    host.with_files(limits={"upload_kib_per_second": 500})
    (host.files / "big.bin").write_bytes(os.urandom(80_000_000))
    command = [sys.executable, "xinglin.py", "backup", "run", "--config", str(host.config_path)]
    job = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    packs = host.local_server.data / "his1/data"
    await_true(lambda: any(path.is_file() for path in packs.glob("*/*")), "a first pack in the repository")
    return job


def locks_of(host: ClinicHost) -> list[Path]:
    """Return the locks.  While one is being written, the server has it under another name."""
    return [path for path in (host.local_server.data / "his1/locks").iterdir() if len(path.name) == 64]


def test_a_backup_killed_in_the_middle_is_healed_by_the_next_run(host: ClinicHost) -> None:
    config = host.with_files()
    job = start_job(host)
    job.kill()
    job.wait()
    await_true(lambda: is_free(config.mutex), "restic to end with its parent")
    assert len(locks_of(host)) == 1
    assert [run.outcome for run in read_runs(config.runs)] == [Outcome.RUNNING]
    healed = run(config)
    assert healed.outcome is Outcome.SUCCESS
    after, before = read_runs(config.runs)
    assert after == healed
    assert before.outcome is Outcome.INTERRUPTED
    assert before.cause is not None
    assert before.cause.detail == f"process {job.pid} was killed during: backup"
    assert before.steps[-1].outcome is Outcome.INTERRUPTED
    assert locks_of(host) == []
    assert [item.id for item in repository.snapshots(both(config)[0])] == [healed.snapshot_id]


def test_heal_removes_what_a_killed_backup_left_on_this_host(host: ClinicHost) -> None:
    config = host.with_files()
    job = start_job(host)
    job.kill()
    job.wait()
    await_true(lambda: is_free(config.mutex), "restic to end with its parent")
    assert config.staging.exists()
    assert config.progress.exists()
    command = [sys.executable, "xinglin.py", "backup", "heal", "--config", str(host.config_path)]
    healed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=True)
    assert healed.stdout == "changed\n"
    assert not config.staging.exists()
    assert not config.progress.exists()


def test_a_run_stopped_while_it_waits_to_try_again_says_so(host: ClinicHost) -> None:
    after = host.root / "after"
    config = host.with_files(hooks={"after": [["/bin/touch", str(after)]]})
    host.local_server.stop()

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(config, sleep=stop)
    stopped = read_runs(config.runs)[0]
    assert stopped.outcome is Outcome.INTERRUPTED
    assert stopped.steps[0].numbers == {"retries": 1.0}
    assert after.exists()


def is_free(mutex: Path) -> bool:
    """Tell whether the job's last restic has ended: each inherits the mutex."""
    try:
        with locks.mutex(mutex):
            return True
    except BackupError:
        return False


def test_a_stopped_backup_cleans_up_and_says_so(host: ClinicHost) -> None:
    config = host.with_files()
    job = start_job(host)
    job.terminate()
    assert job.wait(60) == 3
    assert locks_of(host) == []
    stopped = read_runs(config.runs)[0]
    assert stopped.outcome is Outcome.INTERRUPTED
    assert stopped.cause is not None
    assert stopped.cause.code == "interrupted"
    assert not (config.state_directory / "staging").exists()


def test_a_run_of_another_boot_is_told_as_a_host_that_went_down(tmp_path: Path, host: ClinicHost) -> None:
    config = host.with_files()
    done = run(config)
    write_run(config.runs, replace(done, outcome=Outcome.RUNNING, boot_id="another", finished_at=None))
    (config.runs / ".half.new").write_text("{")
    mended = heal(config.runs, "his1", boot_id())
    assert [item.outcome for item in mended] == [Outcome.INTERRUPTED]
    assert mended[0].cause is not None
    assert mended[0].cause.detail == "the host went down during: between two steps"
    assert mended[0].finished_at == done.steps[-1].finished_at
    assert sorted(path.name for path in config.runs.iterdir()) == [f"{done.run_id}.json"]


def test_a_lock_whose_number_another_process_got_is_removed_and_no_other(host: ClinicHost) -> None:
    """In a process namespace of its own restic has a small number, which on this machine is somebody else's."""
    if os.geteuid() != 0:
        pytest.skip("needs root, for a process namespace")
    config = host.with_files()
    local, _ = both(config)
    environment = restic.environment(local)
    command = ["restic", "backup", "--stdin", "--host", "his1"]
    dying = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", *command],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    await_true(lambda: locks_of(host), "the first lock")
    dying.kill()
    # Only then may its stdin be closed: a restic that still lived would take that for the end of its data.
    dying.wait()
    dying.communicate()
    assert len(locks_of(host)) == 1
    living = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await_true(lambda: len(locks_of(host)) == 2, "the second lock")
        stale = min(locks_of(host), key=lambda path: path.stat().st_mtime_ns)
        assert json.loads("".join(restic.run(["cat", "lock", stale.name, "--no-lock"], local).lines))["pid"] < 10
        assert locks.remove_stale(local) == 1
        assert not stale.exists()
        assert len(locks_of(host)) == 1
    finally:
        living.send_signal(signal.SIGINT)
        living.communicate()


def test_the_lock_of_a_zombie_is_removed(host: ClinicHost) -> None:
    """Killed with its parent, restic waits for init to bury it; until then its number is in use, by a restic."""
    local, _ = both(host.with_files())
    command = ["restic", "backup", "--stdin", "--host", "his1"]
    dead = subprocess.Popen(
        command,
        env=restic.environment(local),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await_true(lambda: locks_of(host), "the lock")
        dead.kill()
        stat = Path(f"/proc/{dead.pid}/stat")
        await_true(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z", "the zombie")
        assert locks.remove_stale(local) == 1
    finally:
        dead.communicate()
    assert locks_of(host) == []


def test_a_producer_that_fails_in_the_middle_leaves_no_snapshot(host: ClinicHost) -> None:
    local, _ = both(host.with_files())
    with pytest.raises(process.ProducerFailedError) as caught:
        stream(local, "head -c 30000000 /dev/urandom; exit 7")
    assert caught.value.returncode == 7
    assert repository.snapshots(local) == []
    assert locks_of(host) == []


def test_a_producer_that_fails_at_once_never_looks_like_an_empty_one(tmp_path: Path) -> None:
    """A consumer that is slow to act on a signal would store what it has when its input ends."""
    stored = tmp_path / "stored"
    consumer = ["sh", "-c", 'trap "" INT TERM; cat > "$0.part"; mv "$0.part" "$0"', str(stored)]

    def start(stdout: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(["sh", "-c", "exit 7"], stdout=stdout, start_new_session=True)

    with process.producing(start) as producer, pytest.raises(process.ProducerFailedError):
        process.run(
            consumer,
            {"PATH": os.environ["PATH"]},
            on_line=lambda *_: None,
            timeout_seconds=60,
            stdin=producer.read_end,
            producer=producer,
        )
    assert not stored.exists()


def test_a_producer_that_hangs_is_stopped_by_the_watchdog(host: ClinicHost) -> None:
    local, _ = both(host.with_files())
    with pytest.raises(BackupError) as caught:
        stream(local, "head -c 3000000 /dev/urandom; exec sleep 600", stall_seconds=2)
    assert caught.value.cause.code == "dump_stalled"
    assert repository.snapshots(local) == []
    assert locks_of(host) == []


def test_a_producer_that_ends_well_is_stored_whole(host: ClinicHost, tmp_path: Path) -> None:
    local, _ = both(host.with_files())
    added = stream(local, "seq 1 200000")
    size = repository.dump(local, added.snapshot_id, "/a.dump", tmp_path / "back", 60)
    assert added.bytes_processed == size == 1_288_895
    assert (tmp_path / "back").read_bytes().endswith(b"\n200000\n")


def stream(local: restic.Repository, script: str, stall_seconds: float = 60) -> repository.Added:
    def start(stdout: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(["sh", "-c", script], stdout=stdout, start_new_session=True)

    with process.producing(start) as producer:
        return repository.backup_stream(
            local, host="his1", tags=["kind=dump"], filename="a.dump", producer=producer, stall_seconds=stall_seconds
        )


def test_an_append_only_vault_keeps_what_the_host_wants_deleted(host: ClinicHost) -> None:
    config = host.with_files()
    run(config)
    _, offsite = both(config)
    kept = [item.id for item in repository.snapshots(offsite)]
    said = restic.run(["forget", *kept], offsite)
    assert "403" in " ".join(complaint.text for complaint in said.complaints)
    assert [item.id for item in repository.snapshots(offsite)] == kept
