"""Keep a run's record and bring it to the console's spool on the appliance.

A record is written when its run starts (as interrupted) and again when it ends.  It stays in ``FACILITY/.runs/`` until
the appliance has it, so the next run delivers what this one could not, and what a killed one left behind.
"""

import contextlib
import fcntl
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from playbooks.engine import RUNS
from playbooks.login import Target, received, ssh_command
from playbooks.record import RunRecord, to_json

SPOOL = "/var/lib/xinglin/console/spool/runs"
CONSOLE_USER = "xinglin-console"
NO_SPOOL = 44
TIMEOUT_SECONDS = 60


class RunningAlreadyError(Exception):
    """Another run of the same facility is going on."""


@contextlib.contextmanager
def only_run(facility: Path) -> Iterator[None]:
    """Hold the facility for one run; raises RunningAlreadyError when another one holds it."""
    directory = facility / RUNS
    directory.mkdir(mode=0o700, exist_ok=True)
    with (directory / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise RunningAlreadyError(
                f"{facility}: another run is going on (process {lock.read().strip() or 'unknown'}). "
                "Next: wait until it ends, or end it with Ctrl-C where it runs."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def keep(facility: Path, record: RunRecord) -> Path:
    """Write the record into ``FACILITY/.runs/``, in one step, and return its path."""
    path = facility / RUNS / f"{record.run_id}.json"
    temporary = path.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_text(to_json(record), encoding="utf-8")
    temporary.replace(path)
    return path


def deliver(facility: Path, appliance: Target) -> str:
    """Bring every kept record to the appliance and forget it here; return "" or why some had to stay."""
    for path in sorted((facility / RUNS).glob("*.json")):
        name = shlex.quote(path.name)
        script = (
            f"cd {SPOOL} 2>/dev/null || exit {NO_SPOOL}; umask 027; {received(f'.{name}.new', path.stat().st_size)} && "
            f"chown {CONSOLE_USER}: .{name}.new && mv .{name}.new {name}"
        )
        command = [*ssh_command(appliance, appliance.known_hosts), f"sudo -n sh -c {shlex.quote(script)}"]
        try:
            with path.open("rb") as content:
                done = subprocess.run(command, stdin=content, capture_output=True, check=False, timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            return f"{appliance.name} does not answer"
        if done.returncode == NO_SPOOL:
            return f"{appliance.name} has no console yet"
        if done.returncode != 0:
            return (done.stderr.decode(errors="replace").strip().splitlines() or [f"exit {done.returncode}"])[-1]
        path.unlink()
    return ""
