"""The keeper killed in the middle of a copy and of a prune: the next round goes on, nothing is lost."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from backup import repository
from backup.keeper import memory
from backup.recorder import now_utc
from backup.status import Outcome, read_repositories
from tests.backup.clinic_host import ClinicHost, both, run
from tests.keeper.keeper_host import Keepers, check_all
from tests.keeper.nights import DAY
from tests.keeper.test_heal import originals
from tests.keeper.test_keep import backup_of

CHECKOUT = Path(__file__).parents[2]


def kill_when(keepers: Keepers, kind: str, step: str, moment: Callable[[], object]) -> bool:
    """Start the keeper and kill it when ``step`` is going on and ``moment`` has come; False: it was faster."""
    config = keepers.configure(kind)
    command = [sys.executable, "xinglin.py", "backup", "keep", "--config", str(keepers.config_path(kind))]
    keeper = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    try:
        while keeper.poll() is None:
            assert time.monotonic() < deadline
            states = read_repositories(config.repositories)
            if states and states[0].steps and states[0].steps[-1].name == step and moment():
                return True
            time.sleep(0.01)
        return False
    finally:
        keeper.kill()
        keeper.wait()


def test_killed_while_it_copies_back_it_goes_on_where_it_was(host: ClinicHost) -> None:
    config = host.with_files()
    keepers = Keepers(host)
    for _ in range(2):
        (host.files / "scan.dcm").write_bytes(os.urandom(60_000_000))
        assert run(config).outcome is Outcome.SUCCESS
    before = originals(host, 0)
    path = keepers.path("local")
    shutil.rmtree(path)
    path.mkdir()
    killed = 0
    for there in (1, 3):
        killed += kill_when(
            keepers, "local", "copy_back", lambda least=there: len(list(path.glob("data/*/*"))) >= least
        )
    assert killed
    state = keepers.keep("local")
    assert state.outcome in {Outcome.SUCCESS, Outcome.WARNING}, state.cause
    assert originals(host, 0) == before
    check_all(both(config)[0])
    assert list((path / "locks").iterdir()) == []


def test_killed_while_it_prunes_it_loses_nothing(host: ClinicHost) -> None:
    config = host.with_files()
    keepers = Keepers(host)
    (host.files / "large.bin").write_bytes(os.urandom(50_000_000))
    for age in (200, 190, 180):
        backup_of(host, f"his-{age}", age * DAY)
    (host.files / "large.bin").unlink()
    done = run(config)
    path = keepers.path("local")
    assert keepers.keep("local").paused_since is not None
    remembered = keepers.configure("local").memories / "his1.json"
    choice = memory.Choice(now_utc(), "li", "made for a test")
    memory.write(remembered, memory.read(remembered).chosen(choice))
    killed = sum(kill_when(keepers, "local", "prune", lambda: any((path / "locks").iterdir())) for _ in range(2))
    assert killed
    state = keepers.keep("local")
    assert state.outcome is Outcome.SUCCESS, state.cause
    assert [item.id for item in repository.snapshots(both(config)[0])] == [done.snapshot_id]
    check_all(both(config)[0])
    assert state.size_bytes < 10_000_000
    assert list((path / "locks").iterdir()) == []
