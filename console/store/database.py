"""Open the store: SQLite beside the console by default, any SQLAlchemy URL (PostgreSQL) otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

BUSY_TIMEOUT_MILLISECONDS = 10_000


def sqlite_url(state_directory: Path) -> str:
    """Return the URL of the console's own SQLite file."""
    return f"sqlite:///{state_directory / 'console.db'}"


def _configure_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 — a driver's own connection
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def open_engine(url: str) -> Engine:
    """Return an engine for ``url``.  SQLite gets WAL, a busy time-out and foreign keys on each connection."""
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
    return engine


def session_factory(engine: Engine) -> sessionmaker[Session]:
    """Return the maker of sessions: ``sessions()`` to read, ``sessions.begin()`` to write in one transaction."""
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def durable(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """Open a transaction that is on the disk once it is committed: the power may fail the next moment.

    Other transactions of SQLite's WAL may lose their newest commits then (``synchronous = NORMAL``).
    """
    with sessions.kw["bind"].connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        try:
            if sqlite:
                connection.exec_driver_sql("PRAGMA synchronous = FULL")
                connection.commit()
            with sessions(bind=connection) as session, session.begin():
                yield session
        finally:
            if sqlite:
                connection.exec_driver_sql("PRAGMA synchronous = NORMAL")
