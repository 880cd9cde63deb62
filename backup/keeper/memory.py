"""What the keeper remembers of a repository from night to night, for itself alone: ``<state>/keeper/<host>.json``."""

import contextlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from backup.status import PARTS, Anomaly, format_time, from_json, parse_time, to_json

logger = logging.getLogger(__name__)

READ_WITHIN = timedelta(days=PARTS)
PARTS_AT_MOST = 4
"""So many parts are read in one night when nights were missed."""
DECISIONS_KEPT = 200


@dataclass(frozen=True)
class Choice:
    """A person's decision about anomalies and about snapshots that do not come back."""

    at: datetime
    who: str
    reason: str
    anomalies: tuple[Anomaly, ...] = ()
    given_up: tuple[str, ...] = ()


@dataclass(frozen=True)
class Memory:
    """``seen`` has the lasting id (that of the original) of every snapshot that was there, ``parts`` when each part
    of the data was read back, ``extensions`` the newest count of file extensions of each policy."""

    seen: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[int, datetime] = field(default_factory=dict)
    extensions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    anomalies: tuple[Anomaly, ...] = ()
    paused_since: datetime | None = None
    choices: tuple[Choice, ...] = ()
    pruned_at: datetime | None = None

    def parts_to_read(self, moment: datetime) -> list[int]:
        """Return the part read longest ago, and the others that should have been read by now (at most four)."""
        never = datetime.min.replace(tzinfo=moment.tzinfo)
        ordered = sorted(range(1, PARTS + 1), key=lambda part: (self.parts.get(part, never), part))
        late = [part for part in ordered if part in self.parts and self.parts[part] < moment - READ_WITHIN]
        return list(dict.fromkeys([ordered[0], *late]))[:PARTS_AT_MOST]

    def parts_read(self, moment: datetime) -> int:
        """Return how many parts were read within the last 28 days, give or take the time of one night."""
        return sum(1 for at in self.parts.values() if at > moment - READ_WITHIN - timedelta(hours=12))

    @property
    def read_through_at(self) -> datetime | None:
        """All data has been read since then; None: not all has been read yet."""
        return min(self.parts.values()) if len(self.parts) == PARTS else None

    @property
    def given_up(self) -> set[str]:
        """The snapshots that a person does not wait for."""
        return {item for choice in self.choices for item in choice.given_up}

    def chosen(self, choice: Choice) -> "Memory":
        """Return the memory after a person decided about everything that waits."""
        return replace(self, anomalies=(), paused_since=None, choices=(*self.choices, choice)[-DECISIONS_KEPT:])


def read(path: Path) -> Memory:
    """Read the memory; an absent or unreadable one is an empty one: then the keeper begins anew."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Memory(
            seen=dict(data["seen"]),
            parts={int(part): parse_time(at) for part, at in data["parts"].items()},
            extensions=dict(data["extensions"]),
            anomalies=tuple(from_json(Anomaly, item) for item in data["anomalies"]),
            paused_since=parse_time(data["paused_since"]) if data["paused_since"] else None,
            choices=tuple(from_json(Choice, item) for item in data["choices"]),
            pruned_at=parse_time(data["pruned_at"]) if data["pruned_at"] else None,
        )
    except FileNotFoundError:
        return Memory()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        logger.warning("memory lost: %s: %s", path, error)
        return Memory()


def write(path: Path, memory: Memory) -> None:
    """Write the memory atomically, with the owner of its directory: root may decide, the keeper must read it."""
    data: dict[str, Any] = asdict(memory) | {
        "parts": {str(part): format_time(at) for part, at in sorted(memory.parts.items())},
        "anomalies": [to_json(item) for item in memory.anomalies],
        "choices": [to_json(item) for item in memory.choices],
        "paused_since": format_time(memory.paused_since) if memory.paused_since else None,
        "pruned_at": format_time(memory.pruned_at) if memory.pruned_at else None,
    }
    temporary = path.with_suffix(".new")
    with temporary.open("w", encoding="utf-8") as stream:
        os.fchmod(stream.fileno(), 0o640)
        own_like_directory(temporary)
        json.dump(data, stream, ensure_ascii=False, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def own_like_directory(path: Path) -> None:
    """Give a file that root wrote to the owner of its directory."""
    directory = path.parent.stat()
    with contextlib.suppress(PermissionError):
        os.chown(path, directory.st_uid, directory.st_gid)
