"""What a run asks and heeds besides the data: hooks, the clock, space, the append-only rule, limits, passing faults."""

import contextlib
import json
import secrets
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backup.errors import BackupError
from backup.night import clock
from backup.night.recorder import now_utc
from backup.repositories import probe, repository, rest_server, restic
from backup.repositories.repository import Added
from backup.status import BackupRun, Outcome, Step, read_progress, read_runs, write_run
from tests.backup.clinic_host import ClinicHost, both, run
from tests.backup.servers import RestServer
from tests.backup.test_death import await_true

MEGABYTE = 1_000_000


def step(done: BackupRun, name: str) -> Step:
    return next(item for item in done.steps if item.name == name)


def cause(done: BackupRun) -> tuple[str, str, str]:
    assert done.cause is not None
    return done.cause.code, done.cause.place, done.cause.detail


def script(path: Path, text: str) -> list[str]:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return [str(path)]


def hooks(host: ClinicHost, before: str | None = None, after: str = "exit 0", seconds: float = 60) -> dict[str, object]:
    own = {"after": [script(host.root / "after", f"echo after $XINGLIN_POLICY >> {host.root}/log; {after}")]}
    if before:
        own["before"] = [script(host.root / "before", f"echo before >> {host.root}/log; {before}")]
    return {"hooks": own | {"timeout_seconds": seconds}}


def log(host: ClinicHost) -> list[str]:
    return (host.root / "log").read_text().splitlines()


def test_hooks_run_before_and_after_and_are_steps_of_the_run(host: ClinicHost) -> None:
    config = replace(host.with_files(**hooks(host, before="echo ready")), offsite=None)
    done = run(config)
    assert done.outcome is Outcome.SUCCESS
    names = [item.name for item in done.steps]
    assert (names[0], names[-1]) == ("hooks_before", "hooks_after")
    assert log(host) == ["before", "after his"]


@pytest.mark.parametrize(
    ("before", "outcome", "code", "detail"),
    [
        (
            "echo the database is being upgraded; exit 75",
            Outcome.SKIPPED,
            "hook_skipped",
            "the database is being upgraded",
        ),
        ("echo no mount >&2; exit 3", Outcome.FAILED, "hook_failed", "no mount"),
        ("exit 3", Outcome.FAILED, "hook_failed", "it ended with exit code 3"),
    ],
)
def test_a_hook_that_does_not_want_stops_the_run_and_those_after_still_run(
    host: ClinicHost, before: str, outcome: Outcome, code: str, detail: str
) -> None:
    config = replace(host.with_files(**hooks(host, before=before)), offsite=None)
    done = run(config)
    assert done.outcome is outcome
    assert cause(done) == (code, str(host.root / "before"), detail)
    assert repository.snapshots(both(host.with_files())[0]) == []
    assert log(host) == ["before", "after his"]


def test_a_hook_that_hangs_is_ended_and_those_after_still_run(host: ClinicHost) -> None:
    done = run(replace(host.with_files(**hooks(host, before="exec sleep 600", seconds=1)), offsite=None))
    assert done.outcome is Outcome.FAILED
    assert cause(done) == ("timed_out", str(host.root / "before"), "limit 1 s")
    assert [item.name for item in done.steps] == ["hooks_before", "hooks_after"]


def test_a_hook_that_fails_afterwards_is_a_warning(host: ClinicHost) -> None:
    done = run(replace(host.with_files(**hooks(host, after="echo lost; exit 1")), offsite=None))
    assert done.outcome is Outcome.WARNING
    assert done.snapshot_id is not None
    assert cause(done) == ("hook_failed", str(host.root / "after"), "lost")


def test_hooks_after_run_when_the_backup_fails_and_its_cause_stays(host: ClinicHost) -> None:
    gone = host.root / "gone"
    config = host.configure([{"paths": [str(gone)]}], **hooks(host, after="exit 1"))
    assert cause(run(config))[:2] == ("source_missing", str(gone))
    assert log(host) == ["after his"]


def test_a_missing_hook_is_named(host: ClinicHost) -> None:
    missing = str(host.root / "missing")
    done = run(host.with_files(hooks={"before": [[missing]]}))
    code, place, detail = cause(done)
    assert (code, place) == ("hook_failed", missing)
    assert "No such file" in detail


def test_a_repository_that_comes_back_in_time_costs_only_retries(host: ClinicHost) -> None:
    config = replace(host.with_files(), offsite=None)
    host.local_server.stop()
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            host.local_server.start()

    done = run(config, sleep=wait)
    assert done.outcome is Outcome.SUCCESS
    assert waited == [10.0, 30.0]
    assert step(done, "preflight").numbers["retries"] == 2


def test_retries_end(host: ClinicHost) -> None:
    config = host.with_files()
    host.local_server.stop()
    waited: list[float] = []
    done = run(config, sleep=waited.append)
    assert cause(done)[0] == "repository_unreachable"
    assert waited == [10.0, 30.0, 90.0]
    assert step(done, "preflight").numbers["retries"] == 3


@pytest.mark.parametrize("ahead", [timedelta(minutes=6), timedelta(hours=-3)])
def test_a_clock_that_is_off_is_a_warning(host: ClinicHost, ahead: timedelta) -> None:
    done = run(replace(host.with_files(), offsite=None), now=lambda: now_utc() + ahead)
    assert step(done, "preflight").outcome is Outcome.WARNING
    assert done.outcome is Outcome.WARNING
    assert done.snapshot_id is not None


def test_a_clock_that_is_off_by_days_stops_the_run(host: ClinicHost) -> None:
    done = run(host.with_files(), now=lambda: now_utc() + timedelta(days=3, hours=2, seconds=30))
    assert done.outcome is Outcome.FAILED
    assert (cause(done)[0], cause(done)[2]) == ("clock_wrong", "3 d 2 h 0 min")
    assert repository.snapshots(both(host.with_files())[0]) == []


def test_clocks_that_agree_or_are_not_told_are_fine() -> None:
    now = now_utc()
    assert clock.compare(now, None, "x") is None
    assert clock.compare(now, now - timedelta(minutes=4), "x") is None


def test_a_server_that_lets_backups_be_deleted_is_told_above_all(host: ClinicHost) -> None:
    host.offsite_server.stop()
    host.offsite_server.append_only = False
    host.offsite_server.start()
    done = run(host.with_files())
    assert done.outcome is Outcome.WARNING
    code, place, detail = cause(done)
    assert code == "not_append_only"
    assert place.startswith("offsite ")
    assert detail == "DELETE data: HTTP 200"
    assert step(done, "append_only").numbers == {"local_protected": 1.0, "offsite_protected": 0.0}
    assert done.offsite_snapshot_id is not None


def test_a_server_that_is_off_says_nothing_about_its_protection(host: ClinicHost) -> None:
    config = host.with_files()
    host.offsite_server.stop()
    assert probe.require_append_only(config.repository("offsite")) is probe.Protection.UNKNOWN
    assert probe.require_append_only(config.repository("local")) is probe.Protection.PROTECTED


def publish(server: RestServer, free_bytes: int, age: timedelta = timedelta()) -> None:
    target = server.data / "his1/space/config"
    target.parent.mkdir(exist_ok=True)
    at = (now_utc() - age).isoformat().replace("+00:00", "Z")
    target.write_text(json.dumps({"free_bytes": free_bytes, "at": at}))


def test_a_backup_that_cannot_fit_is_refused_before_anything_is_stored(host: ClinicHost) -> None:
    config = replace(host.with_files(), offsite=None)
    (host.files / "scan.dcm").write_bytes(secrets.token_bytes(30 * MEGABYTE))
    publish(host.local_server, 80 * MEGABYTE)
    done = run(config)
    assert done.outcome is Outcome.FAILED
    code, _, detail = cause(done)
    assert (code, detail) == ("repository_full", "94 MB are needed, 80 MB are free")
    assert repository.snapshots(config.repository("local")) == []


def test_only_what_is_new_needs_space(host: ClinicHost) -> None:
    config = replace(host.with_files(), offsite=None)
    (host.files / "scan.dcm").write_bytes(secrets.token_bytes(30 * MEGABYTE))
    publish(host.local_server, 1000 * MEGABYTE)
    first = run(config)
    assert step(first, "backup").numbers["bytes_needed"] < 100 * MEGABYTE
    publish(host.local_server, 80 * MEGABYTE)
    second = run(config)
    assert second.outcome is Outcome.SUCCESS
    assert step(second, "backup").numbers["bytes_needed"] < 65 * MEGABYTE
    publish(host.local_server, 500 * MEGABYTE)
    third = run(config)
    assert 90 * MEGABYTE < step(third, "preflight").numbers["bytes_needed"] < 110 * MEGABYTE
    assert "bytes_needed" not in step(third, "backup").numbers


def test_dumps_that_grew_too_much_for_the_space_are_refused(host: ClinicHost) -> None:
    config = replace(host.with_files(), offsite=None)
    done = run(config)
    dump = Step("dump", Outcome.SUCCESS, done.started_at, done.started_at, None, {"bytes_added": 50.0 * MEGABYTE})
    write_run(config.runs, replace(done, steps=(*done.steps, dump), bytes_processed=900 * MEGABYTE))
    publish(host.local_server, 150 * MEGABYTE)
    assert cause(run(config))[2] == "164 MB are needed, 150 MB are free"


@pytest.mark.parametrize("text", ["", "[]", '{"free_bytes": "many"}', '{"free_bytes": 1}'])
def test_space_that_is_not_told_stops_nothing(host: ClinicHost, text: str) -> None:
    config = replace(host.with_files(), offsite=None)
    publish(host.local_server, 1, age=timedelta(hours=2))
    assert run(config).outcome is Outcome.SUCCESS
    (host.local_server.data / "his1/space/config").write_text(text)
    assert "bytes_free" not in step(run(config), "preflight").numbers


def test_a_vault_without_room_is_a_warning_and_copied_to_when_it_has_some(host: ClinicHost) -> None:
    config = host.with_files()
    publish(host.offsite_server, 10 * MEGABYTE)
    done = run(config)
    assert done.outcome is Outcome.WARNING
    assert cause(done)[0] == "repository_full"
    assert cause(done)[1].startswith("offsite ")
    publish(host.offsite_server, 1000 * MEGABYTE)
    assert run(config).outcome is Outcome.SUCCESS
    assert len(repository.snapshots(both(config)[1])) == 2


def test_limits_reach_restic(host: ClinicHost) -> None:
    limits = {"upload_kib_per_second": 2000, "download_kib_per_second": 9000, "cpus": 1}
    config = replace(host.with_files(limits=limits), offsite=None)
    local = config.repository("local", config.policy("his").limits)
    assert local.limits.flags == ["--limit-upload=2000", "--limit-download=9000"]
    assert restic.environment(local)["GOMAXPROCS"] == "1"
    assert "GOMAXPROCS" not in restic.environment(config.repository("local"))
    (host.files / "scan.dcm").write_bytes(secrets.token_bytes(8 * MEGABYTE))
    done = run(config)
    backup = step(done, "backup")
    assert backup.finished_at is not None
    assert (backup.finished_at - backup.started_at).total_seconds() > 3


def test_progress_is_on_file_while_the_run_goes_on_and_gone_afterwards(host: ClinicHost) -> None:
    config = replace(host.with_files(hooks={"before": [["/bin/true"]]}), offsite=None)
    seen: list[str] = []

    def look(seconds: float) -> None:
        found = read_progress(config.progress)
        assert found is not None
        assert found.run_id == read_runs(config.runs)[0].run_id
        assert stat.S_IMODE(config.progress.stat().st_mode) == 0o640
        seen.append(found.policy)
        host.local_server.start()

    host.local_server.stop()
    assert run(config, sleep=look).outcome is Outcome.SUCCESS
    assert seen == ["his"]
    assert not config.progress.exists()


def test_a_night_unlike_the_others_is_a_warning_that_says_how(host: ClinicHost) -> None:
    config = replace(host.with_files(), offsite=None)
    for number in range(400):
        (host.files / f"{number}.txt").write_text(f"{number} " * 50)
    assert run(config).outcome is Outcome.SUCCESS
    for number in range(300):
        (host.files / f"{number}.txt").unlink()
    done = run(config)
    assert done.outcome is Outcome.WARNING
    code, place, detail = cause(done)
    assert (code, place) == ("anomaly_found", "policy his")
    assert detail.startswith("mass_deletion: 300 of ")
    assert step(done, "guard").numbers == {"anomalies": 1.0}


def test_what_the_vault_lost_is_copied_again(host: ClinicHost) -> None:
    config = host.with_files()
    first, second = run(config), run(config)
    snapshots = host.offsite_server.data / "his1/snapshots"
    (snapshots / str(first.offsite_snapshot_id)).unlink()
    done = run(config)
    assert done.outcome is Outcome.SUCCESS
    assert step(done, "copy").numbers["snapshots_copied"] == 2
    originals = {item.original for item in repository.snapshots(both(config)[1])}
    assert originals == {first.snapshot_id, second.snapshot_id, done.snapshot_id}


def test_what_the_vault_would_remove_is_not_copied_to_it(host: ClinicHost) -> None:
    """Local retention may be paused; without the same rule here every night would copy what the vault removes."""
    config = host.with_files(retention={"keep_within": "30d"})
    local, offsite = both(config)
    old = ["--time", "2020-01-01 02:00:00", "--tag", "run=old", "--tag", "policy=his", "--tag", "kind=set"]
    restic.demand(restic.run(["backup", "--host", "his1", *old, str(host.files)], local), local)
    done = run(config)
    assert step(done, "copy").numbers["snapshots_copied"] == 1
    assert [item.original for item in repository.snapshots(offsite)] == [done.snapshot_id]
    assert len(repository.snapshots(local)) == 2


def test_a_restic_that_died_in_this_run_does_not_keep_the_check_waiting(
    host: ClinicHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server was away, so nobody could remove its lock; then the server came back, and the next try was good."""
    monkeypatch.setattr(restic, "LOCK_PATIENCE", "1s")
    config = replace(host.with_files(), offsite=None)
    local = config.repository("local")
    store = repository.backup_paths
    tried: list[int] = []

    def store_at_last(*arguments: Any, **options: Any) -> Added:  # noqa: ANN401
        tried.append(0)
        if len(tried) > 1:
            return store(*arguments, **options)
        with holding_a_lock(local):
            await_lock(lambda: rest_server.lock_ids(local))
        raise BackupError("repository_unreachable", local.place, "connection refused")

    monkeypatch.setattr(repository, "backup_paths", store_at_last)
    done = run(config)
    assert (done.outcome, done.cause) == (Outcome.SUCCESS, None)
    assert (len(tried), step(done, "check").outcome) == (2, Outcome.SUCCESS)


@contextlib.contextmanager
def holding_a_lock(local: restic.Repository) -> Iterator[None]:
    """Have a restic at work that takes a lock, and kill it after the block."""
    holder = subprocess.Popen(
        ["restic", "backup", "--stdin", "--host", "his1"],
        env=restic.environment(local),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        holder.kill()
        holder.wait()
        holder.communicate()


def test_stale_locks_are_seen_without_opening_the_repository(host: ClinicHost) -> None:
    local, _ = both(host.with_files())
    assert rest_server.lock_ids(local) == set()
    with holding_a_lock(local):
        await_lock(lambda: rest_server.lock_ids(local))


def await_lock(ids: Callable[[], set[str]]) -> None:
    await_true(lambda: {name for name in ids() if len(name) == 64}, "a lock with its final name")


def test_a_configuration_error_is_not_tried_again(host: ClinicHost) -> None:
    config = host.with_files()
    (host.root / "local.pw").write_text("other")
    waited: list[float] = []
    with pytest.raises(BackupError, match="repository_refused"):
        rest_server.require(config.repository("local"))
    assert cause(run(config, sleep=waited.append))[0] == "repository_refused"
    assert waited == []


def test_a_source_that_goes_away_after_the_run_began_is_a_warning(
    host: ClinicHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dump may take hours; restic passes over what is gone by then, with exit code 0."""
    gone = host.root / "second"
    gone.mkdir()
    config = host.configure([{"paths": [str(host.files), f"{gone}/../second"]}])
    assert run(config).cause is None
    store = repository.backup_paths

    def late(*arguments: Any, **options: Any) -> Added:  # noqa: ANN401
        gone.rmdir()
        return store(*arguments, **options)

    monkeypatch.setattr(repository, "backup_paths", late)
    done = run(config)
    assert done.outcome is Outcome.WARNING
    assert cause(done) == ("source_unreadable", f"{gone}/../second", "it was gone when the files were stored")


def test_what_a_power_cut_left_of_a_lock_stops_no_run(host: ClinicHost) -> None:
    config = host.with_files()
    locks = host.local_server.data / "his1/locks"
    (locks / ("a" * 64)).touch()
    done = run(config)
    assert done.cause is None
    assert not list(locks.iterdir())
