"""One record of the audit log and its one form as bytes.

A record is one line of canonical JSON (sorted keys, no spaces, UTF-8, no floating point numbers).
``prev`` is the SHA-256 of the line before it, its newline included; the very first one has 64 zeros.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
FIELDS = frozenset({"seq", "at", "mono", "actor", "action", "object", "result", "detail", "prev"})


@dataclass(frozen=True)
class Record:
    """What happened.  ``at`` is UTC to the millisecond, ``mono`` milliseconds since this machine booted."""

    seq: int
    at: datetime
    mono: int
    actor: str
    action: str
    object: str
    result: str
    prev: str
    detail: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> bytes:
        """Return the canonical line, its newline included.  Raises ``ValueError`` for a float in ``detail``."""
        _refuse_floats(self.detail, "detail")
        document = {
            "seq": self.seq,
            "at": format_time(self.at),
            "mono": self.mono,
            "actor": self.actor,
            "action": self.action,
            "object": self.object,
            "result": self.result,
            "detail": self.detail,
            "prev": self.prev,
        }
        return canonical(document) + b"\n"


def canonical(document: Mapping[str, object]) -> bytes:
    """Return the one byte form of a JSON object."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def format_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC with milliseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def digest(line: bytes) -> str:
    """Return the SHA-256 of a raw line in hexadecimal."""
    return hashlib.sha256(line).hexdigest()


def parse(line: bytes) -> Record | None:
    """Return the record of a raw line, or None when the line is not one in canonical form."""
    try:
        document = json.loads(line)
        if not isinstance(document, dict) or set(document) != FIELDS or canonical(document) + b"\n" != line:
            return None
        values = {name: document[name] for name in FIELDS - {"at"}}
        if type(values["seq"]) is not int or type(values["mono"]) is not int:
            return None
        return Record(at=datetime.fromisoformat(document["at"]), **values)
    except (ValueError, TypeError):
        return None


def _refuse_floats(value: object, place: str) -> None:
    if isinstance(value, float):
        raise ValueError(  # noqa: TRY004 — the value is wrong, whatever its type
            f"{place} is a floating point number; the audit log keeps whole numbers and texts only"
        )
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_floats(item, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item, place)
