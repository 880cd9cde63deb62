"""A quiet round: what is on record, what stays, what goes; and what one repository's trouble means to the others."""

import os
import subprocess
import time
from datetime import timedelta

import pytest

from backup.keeper import keep, memory, tools
from backup.keeper.memory import Memory
from backup.night.recorder import now_utc
from backup.repositories import repository
from backup.repositories.restic import environment
from backup.status import PARTS, Outcome, read_repositories
from tests.backup.clinic_host import ClinicHost, both, run
from tests.keeper.keeper_host import Keepers, check_all, locks_in, outcomes
from tests.keeper.nights import DAY, FIRST


@pytest.fixture
def keepers(host: ClinicHost) -> Keepers:
    return Keepers(host)


def test_a_quiet_round_checks_and_tells_how_the_repository_stands(host: ClinicHost, keepers: Keepers) -> None:
    config = host.with_files()
    done = run(config)
    state = keepers.keep("local")
    assert outcomes(state) == dict.fromkeys(
        ["open", "list", "guard", "check", "copy_back", "settle", "retention", "prune"], "success"
    )
    assert (state.outcome, state.cause) == (Outcome.SUCCESS, None)
    assert (state.server, state.host, state.kind) == ("console1", "his1", "local")
    assert state.sets == 1
    assert state.newest_set_at == state.oldest_set_at
    assert (state.parts_read, state.read_through_at) == (1, None)
    assert state.size_bytes > 0
    assert [size for _, size in state.sizes] == [state.size_bytes]
    kept = keepers.configure("local")
    assert read_repositories(kept.repositories) == [state]
    assert [item.id for item in repository.snapshots(both(config)[0])] == [done.snapshot_id]
    again = keepers.keep("local")
    assert "prune" not in outcomes(again)
    assert again.parts_read == 2
    assert len(again.sizes) == 1


def backup_of(host: ClinicHost, run_id: str, age: timedelta, kind: str = "set") -> str:
    """Store a snapshot that claims to be so old."""
    config = host.with_files()
    local, _ = both(config)
    at = now_utc() - age
    (host.files / "night.bin").write_bytes(os.urandom(300_000))
    command = ["restic", "backup", "--json", "--host", "his1", "--time", f"{at:%Y-%m-%d %H:%M:%S}"]
    tags = (f"run={at:%Y%m%dT%H%M%SZ}-{run_id}", "policy=his", f"kind={kind}")
    command += [*(word for tag in tags for word in ("--tag", tag)), str(host.files)]
    variables = environment(local) | {"TZ": "UTC"}
    subprocess.run(command, env=variables, check=True, capture_output=True, timeout=60)
    newest = max(repository.snapshots(local), key=lambda item: item.summary.backup_start if item.summary else item.time)
    return newest.id


def test_what_retention_no_longer_keeps_is_gone_and_its_space_with_it(host: ClinicHost, keepers: Keepers) -> None:
    old = backup_of(host, "his-a", 40 * DAY)
    young = backup_of(host, "his-b", 5 * DAY)
    backup_of(host, "his-c", 4 * DAY, kind="dump")
    run(host.with_files())
    hosts = {"his1": {"policies": {"his": {"keep_within": "30d"}}, "other": None}}
    paused = keepers.keep("local", hosts=hosts)
    assert {item.code for item in paused.anomalies} == {"odd_time"}
    assert paused.paused_since is not None
    assert paused.cause is not None
    assert paused.cause.code == "retention_paused"
    assert "retention" not in outcomes(paused)
    assert paused.snapshots == 4
    path = keepers.configure("local").memories / "his1.json"
    memory.write(path, memory.read(path).chosen(memory.Choice(now_utc(), "li", "made for a test")))
    state = keepers.keep("local", hosts=hosts)
    left = {item.id for item in repository.snapshots(both(host.with_files())[0])}
    # The dump is left over by its own time, but came just now: a copy may be going on.
    assert (state.removed, state.paused_since, state.anomalies) == (1, None, ())
    assert old not in left
    assert young in left
    assert len(left) == state.snapshots == 3
    prune = next(step for step in state.steps if step.name == "prune")
    assert prune.numbers["bytes_freed"] > 250_000
    check_all(both(host.with_files())[0])


def test_one_repository_that_is_not_there_does_not_stop_the_others(host: ClinicHost, keepers: Keepers) -> None:
    run(host.with_files())
    none: dict[str, object] = {"policies": {}, "other": None}
    hosts = {"a1": none, "his1": none, "z1": none}
    states = keep.keep_all(keepers.configure("offsite", hosts=hosts))
    assert [(state.host, state.outcome.value) for state in states] == [
        ("a1", "failed"),
        ("his1", "success"),
        ("z1", "failed"),
    ]
    assert states[0].cause is not None
    assert states[0].cause.code == "repository_missing"


def test_a_repository_in_use_is_left_alone_and_said_so(
    host: ClinicHost, keepers: Keepers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "PATIENCE", "1s")
    config = host.with_files()
    run(config)
    _, offsite = both(config)
    command = ["restic", "backup", "--stdin", "--host", "his1"]
    writing = subprocess.Popen(command, env=environment(offsite), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not locks_in(keepers.path("offsite")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        state = keepers.keep("offsite")
        assert state.outcome is Outcome.WARNING
        assert state.cause is not None
        assert state.cause.code == "repository_locked"
        assert len(locks_in(keepers.path("offsite"))) == 1
    finally:
        writing.communicate(b"done")
    assert keepers.keep("offsite").outcome is Outcome.SUCCESS


def test_a_lock_of_a_host_that_died_goes_when_it_is_old(host: ClinicHost, keepers: Keepers) -> None:
    config = host.with_files()
    run(config)
    _, offsite = both(config)
    dying = subprocess.Popen(
        ["unshare", "--uts", "sh", "-c", "hostname elsewhere && exec restic backup --stdin --host his1"],
        env=environment(offsite),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not locks_in(keepers.path("offsite")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    dying.kill()
    dying.communicate()
    target = keepers.configure("offsite").repository("his1")
    assert tools.remove_stale_locks(keepers.path("offsite"), target) == 0
    (lock,) = locks_in(keepers.path("offsite"))
    long_ago = time.time() - 31 * 60
    os.utime(lock, (long_ago, long_ago))
    assert tools.remove_stale_locks(keepers.path("offsite"), target) == 1
    assert locks_in(keepers.path("offsite")) == []


def test_the_part_read_longest_ago_comes_next_and_missed_nights_are_made_up_for() -> None:
    remembered = Memory()
    for day in range(PARTS):
        assert remembered.parts_to_read(FIRST + day * DAY) == [day + 1]
        remembered = Memory(parts=dict(remembered.parts) | {day + 1: FIRST + day * DAY})
    assert remembered.read_through_at == FIRST
    assert remembered.parts_read(FIRST + 27 * DAY) == PARTS
    assert remembered.parts_to_read(FIRST + 28 * DAY) == [1]
    # Five nights were missed: of the six parts that are due, four.
    assert remembered.parts_to_read(FIRST + 33 * DAY + timedelta(hours=1)) == [1, 2, 3, 4]
    assert remembered.parts_read(FIRST + 33 * DAY) == 23
