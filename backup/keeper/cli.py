"""``xinglin backup keep``, ``watch``, ``decide`` and ``repositories``: on the servers of the repositories."""

import json
import os
import pwd
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from backup import report
from backup.cli.common import FAILED, FINDINGS, explained
from backup.errors import BackupError
from backup.keeper import config as keeper_config
from backup.keeper import memory, refused
from backup.keeper.config import KeeperConfig
from backup.keeper.copies import copy_all
from backup.keeper.keep import keep_all
from backup.keeper.watch import watch as watch_once
from backup.night.recorder import now_utc
from backup.repositories import locks, repository
from backup.status import (
    Cause,
    CopyState,
    Outcome,
    RefusedDelete,
    RepositoryState,
    Step,
    format_time,
    read_copies,
    read_repositories,
    to_json,
    write_repository,
)

CODES = {Outcome.SUCCESS: 0, Outcome.WARNING: FINDINGS}
CURSOR = "journal.cursor"

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=keeper_config.DEFAULT_PATH,
    show_default=True,
    help="The keeper's configuration.",
)


@click.command()
@config_option
@click.option("--host", "hosts", multiple=True, help="Only this host's repository; without it, all.")
@explained
def keep(config_path: Path, hosts: tuple[str, ...]) -> int:
    """Keep the repositories here: guard, check, heal, thin out by age, prune."""
    config = keeper_config.load(config_path)
    _require_owner(config)
    repository.require_version()
    states = keep_all(config, hosts)
    for state in states:
        click.echo(lines(state))
    return max((CODES.get(state.outcome, FAILED) for state in states), default=0)


@click.command()
@config_option
@click.option("--name", "names", multiple=True, help="Only this copy; without it, all.")
@explained
def copies(config_path: Path, names: tuple[str, ...]) -> int:
    """Bring the further copies up to date: the disk that is plugged in, the partner's server, the cloud."""
    config = keeper_config.load(config_path)
    _require_owner(config)
    repository.require_version()
    states = copy_all(config, names)
    for state in states:
        click.echo(copy_lines(state))
    return max((CODES.get(state.outcome, FAILED) for state in states), default=0)


@click.command()
@config_option
@click.option("--journal/--no-journal", default=True, help="Whether to read rest-server's log for refused deletions.")
@explained
def watch(config_path: Path, *, journal: bool) -> int:
    """Measure the space, keep the ballast, tell the hosts what is free, find refused deletions."""
    config = keeper_config.load(config_path)
    _require_owner(config)
    found: list[RefusedDelete] = []
    try:
        # First: on a full disk it gives up the ballast, and what comes then needs room.
        state = watch_once(config, found, now_utc)
        if journal:
            with refused.reading_journal(config.memories / CURSOR) as found:
                state = watch_once(config, found, now_utc) if found else state
    except OSError as error:
        raise BackupError("local_disk_full", str(error.filename or config.directory), str(error)) from error
    lasts = f", full in {state.days_until_full:.0f} days" if state.days_until_full is not None else ""
    ballast = "with ballast" if state.ballast_bytes else "no ballast"
    click.echo(
        f"{state.path}: {report.size(state.free_bytes)} free of {report.size(state.total_bytes)}{lasts}; {ballast}"
    )
    for item in found:
        words = f"{format_time(item.at)} {item.address}: {item.path}"
        click.echo(report.explained(Cause("deletion_refused", item.host, words)), err=True)
    return FINDINGS if found else 0


@click.command()
@config_option
@click.option("--host", "host", required=True, help="Whose repository.")
@click.option("--reason", help="Why; it stays on record. Without it, only show what waits for a decision.")
@explained
def decide(config_path: Path, host: str, reason: str | None) -> int:
    """Let retention go on after a person looked at the anomalies; give up snapshots that do not come back."""
    config = keeper_config.load(config_path)
    config.host(host)
    path = config.memories / f"{host}.json"
    with locks.mutex(config.mutex):
        _own(config.mutex)
        state = next((item for item in read_repositories(config.repositories) if item.host == host), None)
        remembered = memory.read(path)
        given_up = state.set_aside if state else ()
        for anomaly in remembered.anomalies:
            cause = Cause(anomaly.code, f"{anomaly.policy} {anomaly.snapshot_id[:8]}", anomaly.detail)
            click.echo(f"{format_time(anomaly.at)} {report.explained(cause)}")
        for snapshot_id in given_up:
            click.echo(f"set aside, waits for its copy: {snapshot_id[:8]}")
        if not remembered.anomalies and not given_up:
            click.echo("nothing waits for a decision")
            return 0
        if reason is None:
            click.echo(f'Next step: xinglin backup decide --host {host} --reason "why this is all right"')
            return FINDINGS
        choice = memory.Choice(now_utc(), _who(), reason, remembered.anomalies, given_up)
        memory.write(path, remembered.chosen(choice))
        if state:
            _own(write_repository(config.repositories, replace(state, anomalies=(), paused_since=None)))
    click.echo(f"decided by {choice.who}: {reason}")
    return 0


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@explained
def repositories(config_path: Path, *, as_json: bool) -> int:
    """Tell how each repository here and each further copy stands.  Exit code 1 when one is not well."""
    config = keeper_config.load(config_path)
    states = {state.host: state for state in read_repositories(config.repositories)}
    chosen = [states[kept.host] for kept in config.hosts if kept.host in states]
    never = [kept.host for kept in config.hosts if kept.host not in states]
    hosts, names = {kept.host for kept in config.hosts}, {copy.name for copy in config.copies}
    further = [item for item in read_copies(config.copies_directory) if item.host in hosts and item.name in names]
    fresh = sorted(names - {item.name for item in further})
    if as_json:
        data = {"schema": 1, "server": config.server, "repositories": list(map(to_json, chosen)), "never_kept": never}
        data |= {"copies": list(map(to_json, further)), "never_copied": fresh}
        click.echo(json.dumps(data, ensure_ascii=False))
    else:
        for state in chosen:
            click.echo(lines(state))
        for host in never:
            click.echo(f"{host}: never kept. Next step: systemctl start xinglin-keeper.service")
        for item in further:
            click.echo(copy_lines(item))
        for name in fresh:
            click.echo(f"{name}: never copied. Next step: systemctl start xinglin-copies.service")
    good = {Outcome.SUCCESS, Outcome.RUNNING}
    well = (
        not never
        and not fresh
        and all(outcome in good for outcome in [item.outcome for item in chosen] + [item.outcome for item in further])
    )
    return 0 if well else FINDINGS


def lines(state: RepositoryState) -> str:
    """Return for people how a repository stands."""
    head = f"{state.host} ({state.kind}): {state.outcome.value}, {state.sets} sets, {report.size(state.size_bytes)}"
    read = f"all read since {format_time(state.read_through_at)}" if state.read_through_at else "not all read yet"
    text = [head, f"  data read back: {state.parts_read} of {state.parts} parts, {read}"]
    if state.finished_at:
        text.append(f"  kept: {format_time(state.finished_at)}, removed {state.removed} snapshots")
    if state.paused_since:
        text.append(f"  retention paused since {format_time(state.paused_since)}: {len(state.anomalies)} anomalies")
    return "\n".join([*text, *_steps(state.steps, state.cause)])


def copy_lines(state: CopyState) -> str:
    """Return for people how a further copy stands."""
    where = f" on {state.place}" if state.place else ""
    text = [f"{state.host} ({state.name}, {state.kind}{where}): {state.outcome.value}, {state.sets} sets"]
    text.append(f"  complete: {format_time(state.complete_at) if state.complete_at else 'never yet'}")
    for disk in state.disks:
        seen, complete = (format_time(at) if at else "never" for at in (disk.seen_at, disk.complete_at))
        text.append(f"  disk {disk.label}: seen {seen}, complete {complete}")
    return "\n".join([*text, *_steps(state.steps, state.cause)])


def _steps(steps: Sequence[Step], cause: Cause | None) -> Iterator[str]:
    for step in steps:
        seconds = f" {(step.finished_at - step.started_at).total_seconds():.1f} s" if step.finished_at else ""
        yield f"  {step.name}: {step.outcome.value}{seconds}"
        if step.cause and step.cause != cause:
            yield f"    {step.cause.code}: {step.cause.detail}"
    if cause:
        yield from (f"  {line}" for line in report.explained(cause).splitlines())


def _require_owner(config: KeeperConfig) -> None:
    """Refuse to work as another user: files made by root could not be read by the repositories' server."""
    try:
        owner = config.directory.stat().st_uid
    except OSError as error:
        raise BackupError("configuration_wrong", str(config.directory), error.strerror or str(error)) from error
    if owner != os.geteuid():
        raise BackupError("wrong_user", str(config.directory), f"it belongs to {_name(owner)}")


def _own(path: Path) -> None:
    """Give what root wrote to the keeper, whose directory it is in; the group of the file stays."""
    os.chown(path, path.parent.stat().st_uid, -1)


def _who() -> str:
    return os.environ.get("SUDO_USER") or _name(os.getuid())


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
