"""How the hosts came up last, and how they had gone down: the boot reports of their agents (agent.power.boot)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.store.power import BootReport


@dataclass(frozen=True)
class Database:
    """A database server after the boot; ``clean``: its log says that it was shut down in order (None: not known)."""

    name: str
    clean: bool | None
    accepts: bool


@dataclass(frozen=True)
class Boot:
    """A host's newest boot; ``clean``: the one before ended in order (None: not known)."""

    host: str
    booted_at: datetime | None
    ended_at: datetime | None
    clean: bool | None
    databases: tuple[Database, ...]


def load_boots(session: Session, hosts: Sequence[str]) -> list[Boot]:
    """Return the newest boot of each of ``hosts`` that has reported one, in their order."""
    rows = {row.host: row.document for row in session.scalars(select(BootReport).where(BootReport.host.in_(hosts)))}
    return [read_boot(host, rows[host]) for host in hosts if host in rows]


def read_boot(host: str, document: Mapping[str, Any]) -> Boot:
    """Read a report; what it does not say, or not in a known form, is not known."""
    previous = document.get("previous")
    previous = previous if isinstance(previous, dict) else {}
    databases = document.get("databases")
    return Boot(
        host=host,
        booted_at=_time(document.get("booted_at")),
        ended_at=_time(previous.get("ended_at")),
        clean=_flag(previous.get("clean")),
        databases=tuple(
            Database(str(one.get("name", "?")), _flag(one.get("clean")), one.get("accepts") is True)
            for one in (databases if isinstance(databases, list) else ())
            if isinstance(one, dict)
        ),
    )


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
