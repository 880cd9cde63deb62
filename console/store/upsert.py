"""Insert rows or update those that are there, in one statement, on SQLite and PostgreSQL alike."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from console.store.base import Base

ROWS_AT_ONCE = 500


def upsert(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Write ``rows`` (all with the same keys) to the model's table; a row with the same primary key is replaced."""
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 — for the type checker
    keys = [column.name for column in table.primary_key]
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        statement = insert(table).values(part)
        changed = {name: statement.excluded[name] for name in part[0] if name not in keys}
        session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))
