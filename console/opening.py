"""What every command of ``xinglin console`` begins with: the configuration, the migrated store, the audit log."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from console.audit.log import AuditError, AuditLog
from console.config import DEFAULT_PATH, ConfigError, ConsoleConfig, load_config
from console.privileges import become_owner
from console.store.database import open_engine, session_factory
from console.store.migrate import migrate as migrate_store

FINDINGS, FAILED = 1, 3


@dataclass(frozen=True)
class Opened:
    """The configuration, the migrated store and the audit log of this command."""

    config: ConsoleConfig
    sessions: sessionmaker[Session]
    audit: AuditLog


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open the console's parts; a failure is told on stderr with place, cause and next step, exit code 3."""
    try:
        config = load_config(path)
        if config.store_url.startswith("sqlite"):
            config.state_directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        become_owner(config.state_directory)
        engine = open_engine(config.store_url)
        try:
            migrate_store(engine)
            yield Opened(config, session_factory(engine), AuditLog(config.audit_directory))
        finally:
            engine.dispose()
    except (ConfigError, AuditError) as error:
        fail(str(error))
    except SQLAlchemyError as error:
        fail(f"the store cannot be used: {error}. Next: check the disk and the rights of the state directory.")
    except OSError as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """End the command with exit code 3."""
    click.echo(f"xinglin console: {message}", err=True)
    sys.exit(FAILED)


config_option = click.option(
    "--config", "path", type=click.Path(path_type=Path), default=DEFAULT_PATH, show_default=True, help="Configuration."
)
