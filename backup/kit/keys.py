"""A repository's keys: add the recovery code as one, see what a code opens, take an old one away.

A code reaches restic as an anonymous file in memory, by its descriptor: it is on no command line and on no disk.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backup.errors import BackupError
from backup.repositories.restic import LOCK_PATIENCE, Repository, demand, run

KIT_HOST = "recovery-kit"
"""The key's ``hostName`` in the repository; its ``userName`` is the kit's number."""


@dataclass(frozen=True)
class Key:
    """A key of a repository as ``restic key list`` tells it; ``current`` is the one that opened it."""

    id: str
    current: bool
    user: str
    host: str
    created: str


@contextlib.contextmanager
def in_memory(secret: str) -> Iterator[tuple[int, Path]]:
    """Yield a descriptor of an anonymous file that holds ``secret``, and the path by which a child reads it."""
    descriptor = os.memfd_create("xinglin-secret", 0)
    try:
        os.write(descriptor, f"{secret}\n".encode())
        yield descriptor, Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def listed(repository: Repository, keep_open: Sequence[int] = ()) -> list[Key]:
    """Return the repository's keys, without taking a lock; raises BackupError."""
    said = demand(run(["key", "list", "--no-lock"], repository, keep_open=keep_open), repository)
    return [_key(item) for item in said.messages]


def opened_by(repository: Repository, code: str) -> Key:
    """Open the repository with ``code`` alone and return the key that did; raises BackupError ``wrong_password``."""
    with in_memory(code) as (descriptor, path):
        with_code = replace(repository, password_file=path)
        demand(run(["cat", "config", "--no-lock"], with_code, keep_open=[descriptor]), repository)
        keys = listed(with_code, [descriptor])
    for key in keys:
        if key.current:
            return key
    raise BackupError("unknown", repository.place, "restic names no key that opened it")


def add(repository: Repository, code: str, kit: str, keep_open: Sequence[int] = ()) -> Key:
    """Make ``code`` a key of the repository unless it is one, and return it, seen to open; raises BackupError."""
    try:
        return opened_by(repository, code)
    except BackupError as error:
        if error.cause.code != "wrong_password":
            raise
    with in_memory(code) as (descriptor, path):
        command = ["key", "add", "--retry-lock", LOCK_PATIENCE, "--host", KIT_HOST, "--user", kit]
        command += ["--new-password-file", str(path)]
        demand(run(command, repository, keep_open=[descriptor, *keep_open]), repository)
    return opened_by(repository, code)


def remove(repository: Repository, key_id: str, keep_open: Sequence[int] = ()) -> bool:
    """Take a recovery key away, on the repository's server; False when there is none of this id.

    Raises BackupError ``key_not_of_a_kit`` for a key that no kit made: without it nothing could be backed up.
    """
    found = next((key for key in listed(repository, keep_open) if key.id.startswith(key_id)), None)
    if found is None:
        return False
    if found.current or found.host != KIT_HOST:
        raise BackupError("key_not_of_a_kit", repository.place, f"key {found.id[:8]} is {found.user}@{found.host}")
    demand(run(["key", "remove", "--retry-lock", LOCK_PATIENCE, found.id], repository, keep_open=keep_open), repository)
    if any(key.id == found.id for key in listed(repository, keep_open)):
        raise BackupError("unknown", repository.place, f"key {found.id[:8]} is still there after restic removed it")
    return True


def _key(item: dict[str, Any]) -> Key:
    return Key(item["id"], bool(item["current"]), item["userName"], item["hostName"], item["created"])
