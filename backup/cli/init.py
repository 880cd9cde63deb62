"""``xinglin backup init``."""

from pathlib import Path

import click

from backup import report
from backup.cli.common import FINDINGS, config_option, explained
from backup.config import policy_file
from backup.config.policy import Config
from backup.errors import BackupError
from backup.repositories import locks, repository, rest_server
from backup.repositories.restic import Repository


@click.command()
@config_option
@explained
def init(config_path: Path) -> int:
    """Create the repositories that do not exist yet; prints "changed" or "unchanged".

    Exit code 1 when the vault does not answer: what else this host needs must not wait for it.
    """
    config = policy_file.load(config_path)
    repository.require_version()
    changed, code = False, 0
    with locks.mutex(config.mutex):
        for name in ["local", *(["offsite"] if config.offsite else [])]:
            try:
                changed |= _made(config, name)
            except BackupError as error:
                if name != "offsite" or error.cause.code != "repository_unreachable":
                    raise
                click.echo(report.explained(error.cause), err=True)
                code = FINDINGS
    click.echo("changed" if changed else "unchanged")
    return code


def _made(config: Config, name: str) -> bool:
    """Create a repository where it is missing; True when it was."""
    target = config.repository(name)
    try:
        rest_server.require(target)
    except BackupError as error:
        if error.cause.code != "repository_missing":
            raise
        repository.init(target, _twin(config, "local" if name == "offsite" else "offsite"))
        return True
    repository.require_password(target)
    return False


def _twin(config: Config, name: str) -> Repository | None:
    """Return the other repository when it is there: with its chunker parameters, what both hold is stored once.

    A rebuilt appliance's local repository has its twin at the vault.
    """
    if name == "offsite" and config.offsite is None:
        return None
    twin = config.repository(name)
    try:
        rest_server.require(twin)
    except BackupError as error:
        if error.cause.code in {"repository_missing", "repository_unreachable"}:
            return None
        raise
    return twin
