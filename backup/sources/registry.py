"""The kinds of sources by the key they have in a policy's list."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backup.config.reader import Reader
from backup.sources.devices.source import DevicesSource
from backup.sources.mariadb.source import MariadbSource
from backup.sources.orthanc.source import OrthancSource
from backup.sources.paths import PathsSource
from backup.sources.postgresql import PostgresqlSource
from backup.sources.smb.source import SmbSource
from backup.sources.sqlite import SqliteSource
from backup.sources.work import Source

KINDS: dict[str, Callable[[Reader, Mapping[str, Any], str], Source | None]] = {
    "devices": DevicesSource.read,
    "mariadb": MariadbSource.read,
    "orthanc": OrthancSource.read,
    "paths": PathsSource.read,
    "postgresql": PostgresqlSource.read,
    "smb": SmbSource.read,
    "sqlite": SqliteSource.read,
}
"""Each reads one item of a policy's ``sources``, which has the kind as a key; what is wrong it notes in the reader."""


def read_all(reader: Reader, items: Sequence[object], where: str) -> list[Source]:
    """Read a policy's ``sources``; two of one kind that would have the same name in the set are a mistake."""
    mistakes = len(reader.mistakes)
    found = [source for n, item in enumerate(items) if (source := read(reader, item, f"{where}[{n}]"))]
    if len(reader.mistakes) == mistakes:
        seen = Counter((source.kind, source.name) for source in found)
        reader.mistakes += [f"{where}: two of {kind} are called {name}" for (kind, name), n in seen.items() if n > 1]
    return found


def read(reader: Reader, data: object, where: str) -> Source | None:
    """Read one item of a policy's ``sources``; None when its kind or a key is wrong, which the reader has noted."""
    kinds = sorted(set(data) & set(KINDS)) if isinstance(data, dict) else []
    if len(kinds) != 1 or not isinstance(data, dict):
        reader.mistakes.append(f"{where}: exactly one of the keys {', '.join(sorted(KINDS))} is needed")
        return None
    return KINDS[kinds[0]](reader, data, where)
