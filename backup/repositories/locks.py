"""Locks: our own mutex, and restic's locks that dead processes left behind.

The rule (restic.md, section 4): blind ``unlock`` has destroyed repositories, and a lock nobody removes stops
checks for months.  So a job holds a mutex (flock) over this host's repositories; every restic that writes
inherits the open file, so the mutex stays taken as long as one of them lives, also when the job was killed.
Whoever holds the mutex knows that no restic of ours runs: a lock of this machine is then a dead one's.
"""

import contextlib
import fcntl
import json
import logging
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from backup.errors import BackupError
from backup.repositories import rest_server
from backup.repositories.restic import Repository, demand, run

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def mutex(path: Path) -> Iterator[int]:
    """Hold the mutex and yield its file descriptor; raises BackupError ``already_running`` when another has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode().strip() or "unknown"
            raise BackupError("already_running", str(path), f"process {holder}") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def remove_stale(repository: Repository, keep_open: Sequence[int] = ()) -> int:
    """Remove the locks that dead processes of this machine left; return how many.  Call it under the mutex.

    restic's own ``unlock`` goes first (dead number on this machine, or not refreshed for 30 minutes).  What is
    left of this machine, with a number that another program has by now, is deleted one by one, and so is what a
    power cut left of a lock, which restic cannot read and so never gets past.  A lock of another machine stays.
    """
    before = rest_server.lock_ids(repository)
    if not before:
        return 0
    demand(run(["unlock"], repository, keep_open=keep_open), repository)
    for lock_id in rest_server.lock_ids(repository):
        said = run(["cat", "lock", lock_id, "--no-lock"], repository)
        if said.returncode:
            whole = rest_server.is_lock_whole(repository, lock_id)
            if whole:
                demand(said, repository)
            elif whole is False:
                rest_server.delete_lock(repository, lock_id)
            continue
        lock = json.loads("\n".join(said.lines))
        if lock["hostname"] == socket.gethostname() and not _is_restic(lock["pid"]):
            rest_server.delete_lock(repository, lock_id)
    removed = len(before - rest_server.lock_ids(repository))
    if removed:
        logger.warning("removed %d stale lock(s) of %s", removed, repository.place)
    return removed


def _is_restic(pid: int) -> bool:
    """Tell whether a restic has this number and lives: one whose parent died may stay a zombie for a while."""
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")
    except OSError:
        return False
    return name.partition("(")[2] == "restic" and rest.split()[0] not in {"Z", "X"}
