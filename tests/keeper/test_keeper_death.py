"""The keeper killed in the middle of a copy and of a prune: the next round goes on, nothing is lost."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from backup.repositories import repository
from backup.status import Outcome, read_repositories
from tests.backup.clinic_host import ClinicHost, both, run
from tests.backup.test_death import is_free
from tests.keeper.keeper_host import Keepers, check_all, locks_in
from tests.keeper.nights import DAY
from tests.keeper.test_heal import originals
from tests.keeper.test_keep import backup_of

CHECKOUT = Path(__file__).parents[2]


def kill_when(keepers: Keepers, kind: str, step: str, moment: Callable[[], object]) -> bool:
    """Start the keeper and kill it when ``step`` is going on and ``moment`` has come; False: it was faster."""
    config = keepers.configure(kind)
    command = [sys.executable, "xinglin.py", "backup", "keep", "--config", str(keepers.config_path(kind))]
    keeper = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    try:
        while keeper.poll() is None:
            assert time.monotonic() < deadline, read_repositories(config.repositories)
            states = read_repositories(config.repositories)
            if states and states[0].steps and states[0].steps[-1].name == step and moment():
                return True
            time.sleep(0.01)
        return False
    finally:
        keeper.kill()
        keeper.wait()
        # Each restic holds the mutex, too, and ends with its parent.
        while not is_free(config.mutex):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_killed_while_it_copies_back_it_goes_on_where_it_was(host: ClinicHost) -> None:
    config = host.with_files()
    keepers = Keepers(host)
    (host.files / "scan.dcm").write_bytes(os.urandom(70_000_000))
    assert run(config).outcome is Outcome.SUCCESS
    before = originals(host, 0)
    path = keepers.path("local")
    shutil.rmtree(path)
    path.mkdir()
    killed = 0
    for least in (1, 2):

        def enough(count: int = least) -> bool:
            return len(list(path.glob("data/*/*"))) >= count

        killed += kill_when(keepers, "local", "copy_back", enough)
    assert killed
    state = keepers.keep("local")
    assert state.outcome in {Outcome.SUCCESS, Outcome.WARNING}, state.cause
    assert originals(host, 0) == before
    check_all(both(config)[0])
    assert not locks_in(path)


def test_killed_while_it_prunes_it_loses_nothing(host: ClinicHost) -> None:
    config = host.with_files()
    keepers = Keepers(host)
    (host.files / "large.bin").write_bytes(os.urandom(50_000_000))
    for age in (200, 190, 180):
        backup_of(host, f"his-{age}", age * DAY)
    (host.files / "large.bin").unlink()
    done = run(config)
    path = keepers.path("local")
    # So old that the first round takes them as they are.
    killed = sum(kill_when(keepers, "local", "prune", lambda: locks_in(path)) for _ in range(2))
    assert killed
    state = keepers.keep("local")
    assert state.outcome is Outcome.SUCCESS, state.cause
    assert [item.id for item in repository.snapshots(both(config)[0])] == [done.snapshot_id]
    check_all(both(config)[0])
    assert state.size_bytes < 10_000_000
    assert not locks_in(path)
