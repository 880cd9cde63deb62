"""One night's backup set: what belongs together and what a restore must give back.

A run makes one snapshot for each part that is a stream, then one that *seals* the set: it holds the policy's
paths, the staged files (the server's roles, for example), and this manifest, which names the parts and their
snapshots.  Only a sealed set is a backup.  A run that died before its seal left snapshots that nobody will ever
take for one.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from backup.printable import decoded, encoded
from backup.status import format_time, parse_time

SCHEMA = 2
MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True)
class Part:
    """What one source gave to the set, and what it must restore to.

    ``name`` is unique in the set.  ``snapshot_id`` and ``filename`` are set when it is a stream with a snapshot of
    its own; else it is in the sealing snapshot.  ``manifest`` is plain JSON, understood by the source's kind.
    """

    kind: str
    name: str
    snapshot_id: str | None
    filename: str | None
    bytes: int
    manifest: dict[str, Any]


@dataclass(frozen=True)
class BackupSet:
    """The manifest of a whole set; ``as_of`` is the time of its oldest data, ``paths`` those of its sources."""

    run_id: str
    host: str
    policy: str
    as_of: datetime
    parts: tuple[Part, ...] = ()
    paths: tuple[str, ...] = ()
    schema: int = field(default=SCHEMA)


def write(target: Path, backup_set: BackupSet) -> None:
    """Write the manifest as JSON (0600)."""
    target.touch(mode=0o600)
    data = asdict(backup_set) | {"as_of": format_time(backup_set.as_of)}
    target.write_bytes(encoded(json.dumps(data, ensure_ascii=False, indent=1)))


def read(source: Path) -> BackupSet:
    """Read a manifest; raises OSError, or ValueError for anything else."""
    data = json.loads(decoded(source.read_bytes()))
    try:
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']}, known: {SCHEMA}")
        return BackupSet(
            **{
                **data,
                "as_of": parse_time(data["as_of"]),
                "paths": tuple(data["paths"]),
                "parts": tuple(_part(item) for item in data["parts"]),
            }
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a manifest: {error!r}") from error


def _part(item: dict[str, Any]) -> Part:
    """Build a part; its names become files of a restore, so one that leads elsewhere is somebody's attack."""
    part = Part(**item)
    for name in (part.kind, part.name, *([part.filename] if part.filename else [])):
        require_plain(name)
    return part


def require_plain(name: str) -> None:
    """Raise ValueError unless ``name`` is that of a file, without a directory."""
    if not name or name in {".", ".."} or set(name) & set("/\0"):
        raise ValueError(f"not the name of a file: {name}")
