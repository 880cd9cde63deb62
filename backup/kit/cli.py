"""``xinglin backup key``: a repository's keys, for ``recovery-kit`` and ``recovery-drill``, which call it over SSH.

The recovery code comes on stdin and nowhere else.  Each command prints one JSON list: what it did to each repository.
"""

import getpass
import json
import os
import pwd
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from backup.cli.common import FINDINGS, config_option, explained
from backup.config import policy_file
from backup.config.policy import Config
from backup.errors import BackupError
from backup.kit import code, keys, records, server
from backup.repositories import repository, rest_server
from backup.repositories.restic import Repository

operator_option = click.option("--operator", default=getpass.getuser, help="Who asks, for the record.")

server_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=server.DEFAULT_PATH,
    show_default=True,
    help="This server's keeper configuration.",
)


@click.group("key")
def key() -> None:
    """Work with the keys of this host's repositories."""


@key.command()
@config_option
@click.option("--kit", "number", required=True, help="The kit's number.")
@explained
def add(config_path: Path, number: str) -> int:
    """Make the recovery code on stdin a key of each repository of this host, and prove that it opens it."""
    config, secret = policy_file.load(config_path), _code()
    return _told([_done(config, name, lambda at: keys.add(at, secret, number)) for name in _names(config)])


@key.command("open")
@config_option
@operator_option
@click.option("--drill", is_flag=True, help="Leave a record of it.")
@explained
def open_(config_path: Path, operator: str, drill: bool) -> int:
    """Open each repository of this host with the recovery code on stdin."""
    config, secret = policy_file.load(config_path), _code()
    results = []
    for name in _names(config):
        with records.Drill(config, name, operator) as record:
            results.append(_done(config, name, lambda at: keys.opened_by(at, secret)))
            record.found(results[-1])
        if drill:
            record.write()
    return _told(results)


@key.command("list")
@config_option
@explained
def list_(config_path: Path) -> int:
    """List the keys of each repository of this host."""
    config = policy_file.load(config_path)
    results = [
        {"repository": name, "place": place, **vars(item)}
        for name in _names(config)
        for place, found in [(config.repository(name).place, keys.listed(config.repository(name)))]
        for item in found
    ]
    return _told(results)


@key.command("add-here")
@server_option
@click.option("--kit", "number", required=True, help="The kit's number.")
@click.argument("host")
@explained
def add_here(config_path: Path, number: str, host: str) -> int:
    """Make the code on stdin a key of HOST's repository, on the repository's server: for a host that is off."""
    secret = _code()
    repository.require_version()
    with server.repository(config_path, host) as (at, owner, held):
        _become(owner)
        added = keys.add(at, secret, number, [held])
    return _told([{"repository": at.name, "place": at.place, "key_id": added.id, "cause": None}])


@key.command()
@server_option
@click.argument("host")
@click.argument("key_id")
@explained
def remove(config_path: Path, host: str, key_id: str) -> int:
    """Take the recovery key KEY_ID away from HOST's repository; only on the repository's server, as root."""
    with server.repository(config_path, host) as (at, owner, held):
        _become(owner)
        removed = keys.remove(at, key_id, [held])
    return _told([{"host": host, "place": at.place, "key_id": key_id, "removed": removed}])


def _names(config: Config) -> list[str]:
    return ["local", *(["offsite"] if config.offsite else [])]


def _code() -> str:
    return code.read(sys.stdin.read())


def _done(config: Config, name: str, work: Callable[[Repository], keys.Key]) -> dict[str, Any]:
    """Do ``work`` on a repository and tell the key, or the cause why not: one repository stops no other."""
    repository.require_version()
    place = name
    try:
        at = config.repository(name)
        place = at.place
        rest_server.require(at)
        return {"repository": name, "place": place, "key_id": work(at).id, "cause": None}
    except BackupError as error:
        return {"repository": name, "place": place, "key_id": None, "cause": vars(error.cause)}


def _told(results: list[dict[str, Any]]) -> int:
    click.echo(json.dumps(results, ensure_ascii=False, indent=1))
    return FINDINGS if any(result.get("cause") for result in results) else 0


def _become(owner: Path) -> None:
    """Work as the repository's own user, so that no file of root's stays in it."""
    status = owner.stat()
    if os.geteuid() == 0 and status.st_uid != 0:
        os.initgroups(pwd.getpwuid(status.st_uid).pw_name, status.st_gid)
        os.setgid(status.st_gid)
        os.setuid(status.st_uid)
