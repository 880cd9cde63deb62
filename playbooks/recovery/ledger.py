"""``FACILITY/recovery.json``: the kits that were made, which keys belong to each, what became of them.  No secret."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from backup.status import format_time

FILE = "recovery.json"
SCHEMA = 1


@dataclass(frozen=True)
class KitKey:
    """A key of a kit: of which host's repository (``local`` or ``offsite``), and its id there."""

    host: str
    repository: str
    key_id: str


@dataclass(frozen=True)
class Entry:
    """A kit.

    ``sha256`` is the PDF's, empty when no paper was printed because a repository had not taken the code.  ``sealed``:
    the paper holds the facility's own password, sealed with the code, which outlives the kit's keys.
    """

    number: str
    made_at: str
    made_by: str
    shares: bool
    sha256: str
    keys: tuple[KitKey, ...]
    drills: tuple[dict[str, Any], ...] = ()
    revoked_at: str | None = None
    sealed: bool = False


def read(facility: Path) -> tuple[Entry, ...]:
    """Return the facility's kits, oldest first; raises ValueError for a file of another form."""
    try:
        data = json.loads((facility / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    try:
        if data["schema"] != SCHEMA:
            raise ValueError(f"{facility / FILE}: schema {data['schema']}, known: {SCHEMA}")
        return tuple(
            Entry(**{**item, "keys": tuple(KitKey(**key) for key in item["keys"]), "drills": tuple(item["drills"])})
            for item in data["kits"]
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{facility / FILE}: {error!r}") from error


def write(facility: Path, entries: tuple[Entry, ...]) -> bytes:
    """Write the file in one step and return its content."""
    data = {"schema": SCHEMA, "kits": [asdict(entry) for entry in entries]}
    content = (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()
    temporary = facility / f".{FILE}.new"
    temporary.touch(mode=0o600)
    temporary.write_bytes(content)
    temporary.replace(facility / FILE)
    return content


def digest(pdf: bytes) -> str:
    """Return the ``sha256`` of an entry."""
    return hashlib.sha256(pdf).hexdigest()


def drilled(
    entries: tuple[Entry, ...], opened: set[str], at: datetime, by: str, of: int
) -> tuple[tuple[Entry, ...], Entry | None]:
    """Note a drill at the kit whose keys were ``opened``; return the entries and that kit, None for an unknown one."""
    for place, item in enumerate(entries):
        if opened & {key.key_id for key in item.keys}:
            note = {"at": format_time(at), "by": by, "opened": len(opened), "of": of}
            noted = replace(item, drills=(*item.drills, note))
            return (*entries[:place], noted, *entries[place + 1 :]), noted
    return entries, None
