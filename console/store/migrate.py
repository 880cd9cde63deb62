"""Bring a store to the newest schema.  Safe to run at every start."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    configuration.set_main_option("path_separator", "os")
    return configuration


def newest_revision() -> str:
    """Return the revision that this code needs."""
    head = ScriptDirectory.from_config(_configuration()).get_current_head()
    if head is None:
        raise RuntimeError("console/store/migrations/versions is empty; the package is incomplete, install it again")
    return head


def current_revision(engine: Engine) -> str | None:
    """Return the revision of the store, or None when it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine) -> bool:
    """Upgrade the store in one transaction; return whether anything changed."""
    if current_revision(engine) == newest_revision():
        return False
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":  # its driver opens no transaction for DDL by itself
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        configuration = _configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
    return True
