"""A host's repository as its server sees it: a directory, opened with the facility's key."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from backup.errors import BackupError
from backup.kit.keys import in_memory
from backup.repositories.restic import Repository

DEFAULT_PATH = Path("/etc/xinglin/keeper.json")


@contextlib.contextmanager
def repository(config_path: Path, host: str) -> Iterator[tuple[Repository, Path, int]]:
    """Yield the repository of ``host`` on this server, its directory, and a descriptor that restic must inherit.

    The directory's owner is to work on it.  The password is read now and kept in memory, so that the owner needs no
    right to its file.  Raises BackupError ``configuration_wrong``, ``repository_missing``.
    """
    try:
        config = json.loads(config_path.read_text(encoding="utf-8"))
        directory = Path(config["directory"]) / host
        password = Path(config["password_file"]).read_text(encoding="utf-8").strip()
        cache, kind = Path(config["cache_directory"]), str(config["kind"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError("configuration_wrong", str(config_path), repr(error)) from error
    if not (directory / "config").exists():
        raise BackupError("repository_missing", str(directory), "no file config")
    with in_memory(password) as (descriptor, path):
        yield Repository(kind, str(directory), "", "", path, Path(config["ca"]), cache), directory, descriptor
