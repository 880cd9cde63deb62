"""What can happen to backups: power cuts, full disks, a vault that is away, damage, a stolen key.  Nothing is lost.

After each fault plain restic reads every byte of both repositories back without an error.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backup.status import BackupRun, Outcome, RepositoryState, SpaceState, read_repositories, read_space
from tests.backup.quick_key import make_quick
from tests.lab.clinic import backup_runs, console_status
from tests.lab.errors import LabError
from tests.lab.eventually import eventually
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.plain_restic import REPOSITORIES, attempt, require_clean, restic, sets, snapshots

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("nights_by_hand")]

POWER_CUTS = 21
LATEST_CUT_SECONDS = 7.0
SEED = 20261123
REPOSITORIES_DISK = "/var/lib/xinglin/repository"
REPOSITORY = f"{REPOSITORIES_DISK}/his1"
RECORDS = "var/lib/xinglin/backup"


@pytest.fixture(scope="module", autouse=True)
def quick_keys(his: Host, appliance: Host, vault: Host) -> None:
    """The rounds below open the repositories a thousand times."""
    password = his.run("cat", "/etc/xinglin/secrets/repository.password").strip()
    for server in (appliance, vault):
        make_quick(server.root / REPOSITORY.lstrip("/"), password)


def back_up(host: Host) -> BackupRun:
    """Run the nightly unit to its end and return what it recorded, whatever that is."""
    host.attempt("systemctl", "start", "xinglin-backup.service", timeout_seconds=900)
    return backup_runs(host)[0]


def keep(server: Host) -> RepositoryState:
    """Let the keeper make its round; returns how his1's repository there stands."""
    server.run("systemctl", "start", "xinglin-keeper.service", timeout_seconds=900)
    return next(state for state in read_repositories(server.root / RECORDS / "repositories") if state.host == "his1")


def watch(server: Host) -> SpaceState:
    """Let the watch look; returns what it saw."""
    for _ in range(2):  # the first may only be the end of a look that the timer began before
        server.run("systemctl", "start", "xinglin-watch.service")
    space = read_space(server.root / RECORDS / "space.json")
    assert space is not None
    return space


def problems(clinic: Lab, *words: str) -> list[str]:
    """The console's problems that hold all ``words``."""
    told = [json.dumps(problem, ensure_ascii=False) for problem in console_status(clinic)["problems"]]
    return [text for text in told if all(word in text for word in words)]


@contextmanager
def new_data(host: Host, megabytes: int = 40) -> Iterator[None]:
    """Give the host something to back up that no repository has yet."""
    host.run("dd", "if=/dev/urandom", "of=/etc/new-data", "bs=1M", f"count={megabytes}", "status=none")
    try:
        yield
    finally:
        host.run("rm", "-f", "/etc/new-data")


def test_power_cuts_at_random_moments_lose_nothing(his: Host, appliance: Host, vault: Host):
    chance = random.Random(SEED)  # noqa: S311 - the same moments in every run
    victims = [his, appliance, vault] * (POWER_CUTS // 3)
    before = {where: sets(his, where) for where in REPOSITORIES}
    for number, victim in enumerate(victims):
        moment = chance.uniform(0, LATEST_CUT_SECONDS)
        with new_data(his, 10):
            his.run("systemctl", "start", "--no-block", "xinglin-backup.service")
            time.sleep(moment)
            victim.kill()
            victim.boot()
            run = back_up(his)
        told = f"round {number}: {victim.name} after {moment:.1f} s: {run.outcome} {run.cause}"
        assert run.outcome is Outcome.SUCCESS, told
        assert not [run for run in backup_runs(his) if run.outcome is Outcome.RUNNING], told
        after = {where: sets(his, where) for where in REPOSITORIES}
        for where in REPOSITORIES:
            assert before[where] < after[where], told
        before = after
        if victim is victims[-1]:
            require_clean(his)


def test_a_vault_that_is_away_for_three_nights_gets_everything_when_it_is_back(his: Host, vault: Host):
    vault.kill()
    try:
        nights = [back_up(his) for _ in range(3)]
    finally:
        vault.boot()
    for run in nights:
        assert run.outcome is Outcome.WARNING
        assert run.cause is not None
        assert run.cause.code == "offsite_unreachable"
        assert run.run_id in sets(his, "local")
    assert back_up(his).outcome is Outcome.SUCCESS
    assert {run.run_id for run in nights} <= sets(his, "offsite")
    require_clean(his)


def test_a_full_vault_is_named_the_local_backup_is_good_and_the_next_night_copies(his: Host, vault: Host):
    with small_disk(vault, 20), new_data(his, 60):
        run = back_up(his)
        assert run.outcome is Outcome.WARNING
        assert run.cause is not None
        assert run.cause.code == "repository_full"
        assert run.run_id in sets(his, "local")
    assert back_up(his).outcome is Outcome.SUCCESS
    assert run.run_id in sets(his, "offsite")
    require_clean(his)


@contextmanager
def small_disk(server: Host, spare_megabytes: int) -> Iterator[None]:
    """Put the server's repositories on a disk with little room; what was stored meanwhile is kept."""
    place = REPOSITORIES_DISK
    # At rest: a proof or a WAL run would make and remove its locks meanwhile, and its clients try again.
    server.run(
        "bash",
        "-ec",
        f"""
        systemctl stop xinglin-repository.service xinglin-watch.service
        used=$(du -sm --exclude=.ballast {place} | cut -f 1)
        mkdir -p /mnt/small && mount -t tmpfs -o "size=$((used + {spare_megabytes}))m" tmpfs /mnt/small
        cp -a {place}/*/ /mnt/small/
        chown --reference={place} /mnt/small
        chmod --reference={place} /mnt/small
        mount --bind /mnt/small {place}
        systemctl start xinglin-repository.service""",
    )
    try:
        yield
    finally:
        server.run(
            "bash",
            "-ec",
            f"""
            systemctl stop xinglin-repository.service xinglin-watch.service
            umount {place}; rm -rf {place}/*/locks/*; cp -a -n /mnt/small/*/ {place}/; umount /mnt/small
            systemctl start xinglin-repository.service""",
        )


def test_a_wrong_repository_password_is_named_and_nothing_is_harmed(his: Host):
    secret = "/etc/xinglin/secrets/repository.password"
    his.run("bash", "-ec", f"cp -a {secret} {secret}.kept; echo not-it >{secret}")
    try:
        run = back_up(his)
        assert run.outcome is Outcome.FAILED
        assert run.cause is not None
        assert run.cause.code == "wrong_password"
    finally:
        his.run("mv", f"{secret}.kept", secret)
    assert back_up(his).outcome is Outcome.SUCCESS
    require_clean(his)


def test_a_snapshot_from_a_wrong_clock_pauses_retention_until_a_person_decides(
    clinic: Lab, his: Host, appliance: Host, vault: Host
):
    good = {where: sets(his, where) for where in REPOSITORIES}
    for where in REPOSITORIES:
        tags = ("--tag", "run=29991231T000000Z-his-ffffff", "--tag", "policy=his", "--tag", "kind=set")
        restic(his, where, "backup", "--host", "his1", "--time", "2029-12-31 00:00:00", *tags, "/etc/hostname")
    for server in (appliance, vault):
        state = keep(server)
        assert state.paused_since is not None, server.name
        assert "odd_time" in {anomaly.code for anomaly in state.anomalies}, server.name
    for where in REPOSITORIES:
        assert good[where] <= sets(his, where)
    eventually("the console tells of the pause", lambda: problems(clinic, "his1", "decide"))
    for server in (appliance, vault):
        server.run("xinglin", "backup", "decide", "--host", "his1", "--reason", "the test's own wrong clock")
        assert keep(server).paused_since is None, server.name
    require_clean(his)


@pytest.mark.parametrize("kind", REPOSITORIES)
def test_a_flipped_byte_is_found_named_and_healed_from_the_other_repository(
    clinic: Lab, his: Host, appliance: Host, vault: Host, kind: str
):
    server = appliance if kind == "local" else vault
    with new_data(his):
        assert back_up(his).outcome is Outcome.SUCCESS
    before = sets(his, kind)
    pack = flip_a_byte(server)
    for _ in range(28):  # one verification cycle
        state = keep(server)
        if state.broken_packs or state.set_aside or "heal" in {step.name for step in state.steps}:
            break
    else:
        pytest.fail("not found within one verification cycle")
    assert pack in json.dumps([*state.broken_packs, *(str(step.cause) for step in state.steps)])
    assert back_up(his).outcome in {Outcome.SUCCESS, Outcome.WARNING}
    healed = keep(server)
    assert not healed.broken_packs
    assert not healed.set_aside
    assert before <= sets(his, kind)
    require_clean(his)


def flip_a_byte(server: Host) -> str:
    """Damage the largest pack of his1's repository in its middle; returns the pack's id."""
    found = server.run("sh", "-c", f"find {REPOSITORY}/data -type f -printf '%s %p\\n' | sort -n | tail -n 1")
    size, path = found.split()
    file = server.root / path.lstrip("/")
    content = bytearray(file.read_bytes())
    content[int(size) // 2] ^= 0x01
    file.write_bytes(content)
    return Path(path).name


def test_a_table_changed_while_the_database_is_dumped_waits_and_the_backup_is_proved(his: Host):
    psql = ["runuser", "-u", "postgres", "--", "psql", "-qAt", "his", "-c"]
    his.run(*psql, "CREATE TABLE change_of_form AS SELECT n, repeat(md5(n::text), 50) FROM generate_series(1, 60000) n")
    his.run("systemctl", "start", "--no-block", "xinglin-backup.service")
    until("the dump's locks are there", lambda: "t" in his.run(*psql, DUMP_RUNS))
    his.run(*psql, "ALTER TABLE change_of_form ADD COLUMN later text DEFAULT 'x'; DROP TABLE change_of_form")
    until("the run has ended", lambda: backup_runs(his)[0].outcome is not Outcome.RUNNING)
    assert backup_runs(his)[0].outcome is Outcome.SUCCESS
    proof = his.attempt("xinglin", "backup", "verify", "--policy", "his", timeout_seconds=600)
    assert proof.returncode == 0, proof.stdout + proof.stderr
    smaller = back_up(his)
    assert smaller.cause is not None, "the table is gone: the dump is a fraction of the one before"
    assert smaller.cause.code == "anomaly_found"
    require_clean(his)


DUMP_RUNS = """
SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
  WHERE a.application_name = 'xinglin-backup' AND l.relation = 'change_of_form'::regclass)
"""


def until(what: str, see: Callable[[], bool], timeout_seconds: float = 300) -> None:
    """Return as soon as ``see()`` holds: what happens on a host in milliseconds sends this machine no event."""
    deadline = time.monotonic() + timeout_seconds
    while not see():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_a_stolen_host_key_cannot_delete_at_the_vault_and_the_console_raises_the_alarm(
    clinic: Lab, his: Host, vault: Host
):
    before = snapshots(his, "offsite")
    said = attempt(his, "offsite", "forget", *sorted(before))
    assert before <= snapshots(his, "offsite"), said
    refused = watch(vault).refused_deletes
    assert {item.host for item in refused} == {"his1"}
    assert {item.address for item in refused} == {his.address}
    assert {item.path.rpartition("/")[2] for item in refused} & before
    eventually("the console raises the alarm", lambda: problems(clinic, "vault1", "crit"))
    require_clean(his)


FILL = f"fallocate -l $(df --output=avail -B1 {REPOSITORIES_DISK} | tail -n 1) {REPOSITORIES_DISK}/filler"


def test_a_full_disk_gives_up_its_ballast_and_gets_it_back(clinic: Lab, appliance: Host):
    with small_disk(appliance, 100):
        assert watch(appliance).ballast_bytes > 0
        appliance.run("sh", "-c", FILL)
        full = watch(appliance)
        assert full.ballast_bytes == 0
        assert full.released_at is not None
        assert full.free_bytes > 0
        eventually("the console tells of it", lambda: problems(clinic, "appliance1", "given up"))
        appliance.run("rm", f"{REPOSITORIES_DISK}/filler")
        assert watch(appliance).ballast_bytes > 0


def test_a_backup_that_cannot_fit_is_refused_before_it_starts(his: Host, appliance: Host):
    with small_disk(appliance, 30):
        watch(appliance)
        with new_data(his, 100):
            run = back_up(his)
            assert run.outcome is Outcome.FAILED
            assert run.cause is not None
            assert run.cause.code == "repository_full"
            assert "backup" not in [step.name for step in run.steps], "refused before it began to store"
    watch(appliance)
    with pytest.raises(LabError, match="No such file"):
        his.run("ls", "/etc/new-data")
    assert back_up(his).outcome is Outcome.SUCCESS
    require_clean(his)
