"""``xinglin backup restore``: guided on a terminal, by flags in a script.

Exit codes: 0 restored (or only shown), 2 wrong usage or not confirmed, 3 it failed.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from backup.cli.common import FAILED, ProgressLine, config_option, explained, policy_option
from backup.config import policy_file
from backup.config.policy import Config
from backup.errors import BackupError
from backup.night.recorder import Show, now_utc
from backup.point_in_time import operation as point_operation
from backup.point_in_time import plan as point_plan
from backup.restore import guide, operation, plan, texts
from backup.restore.operation import Done
from backup.restore.request import AUTO, LATEST, Request
from backup.restore.sets import open_sets, parse_moment
from backup.status import Outcome, Purpose


@click.command()
@config_option
@policy_option
@click.option("--list", "only_list", is_flag=True, help="List the sets and end.")
@click.option(
    "--set", "chosen_set", default=LATEST, show_default=True, help="latest, an ID, or a TIME: the newest until then."
)
@click.option("--repository", "repository_name", type=click.Choice([AUTO, "local", "offsite"]), default=AUTO)
@click.option("--database", "databases", multiple=True, help="A database of the set, of any kind; may be repeated.")
@click.option(
    "--part", "parts", multiple=True, help="Any part of the set: a share, devices, Orthanc …; may be repeated."
)
@click.option("--entry", "entries", multiple=True, help="Of that part only this: a path of a share, a device's name.")
@click.option("--contents", is_flag=True, help="List the parts of the set, or what is in --part, and end.")
@click.option("--paths", "paths", multiple=True, help="A file or directory, absolute; may be repeated.")
@click.option("--files", "all_files", is_flag=True, help="All files of the set.")
@click.option("--everything", is_flag=True, help="All parts and all files.")
@click.option("--until", help="For PostgreSQL with point_in_time: a TIME, or latest: as far as the stored WAL goes.")
@click.option("--target", help="A new database name, or a directory; without it, an unused one is chosen.")
@click.option("--in-place", is_flag=True, help="Replace what lives, after --confirm.")
@click.option("--confirm", help="The name that an in-place restore asks for: the one database's, else the host's.")
@click.option("--no-keep", is_flag=True, help="Do not keep the old versions of overwritten files.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be written.")
@click.option("--purpose", type=click.Choice([item.value for item in Purpose]), default=Purpose.RESTORE.value)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@explained
def restore(
    *,
    config_path: Path,
    policy_name: str | None,
    only_list: bool,
    chosen_set: str,
    repository_name: str,
    databases: tuple[str, ...],
    parts: tuple[str, ...],
    entries: tuple[str, ...],
    contents: bool,
    paths: tuple[str, ...],
    all_files: bool,
    everything: bool,
    until: str | None,
    target: str | None,
    in_place: bool,
    confirm: str | None,
    no_keep: bool,
    dry_run: bool,
    purpose: str,
    as_json: bool,
) -> int:
    """Restore a database, a share, Orthanc, devices, files or everything: beside what lives, or in its place."""
    config = policy_file.load(config_path)
    now = now_utc()
    request = Request(
        policy=policy_name or (config.policies[0].name if len(config.policies) == 1 else ""),
        chosen_set=chosen_set,
        repository=repository_name,
        databases=databases,
        parts=parts,
        entries=entries,
        paths=paths,
        all_files=all_files,
        everything=everything,
        target=target,
        in_place=in_place,
        keep=not no_keep,
        purpose=Purpose(purpose),
        until=_moment(until, config.timezone),
    )
    guided = sys.stdin.isatty() and not (request.named or request.wants_files or only_list or contents or until)
    if guided:
        request = guide.ask(config, request, now)
    if not request.policy:
        known = ", ".join(policy.name for policy in config.policies)
        raise BackupError("configuration_wrong", "restore", f"--policy is needed; this host has: {known}")
    if only_list:
        return _list(config, request, as_json=as_json)
    if contents:
        return _contents(config, request, as_json=as_json)
    job = _point_in_time(config, request) if request.until else _from_set(config, request)
    if dry_run or not as_json:
        click.echo(json.dumps(job.shown_json, ensure_ascii=False) if as_json else job.shown)
    if dry_run:
        return 0
    if job.confirmation:
        _require_confirmation(job.confirmation, confirm)
    elif guided:
        click.confirm("开始恢复 / Start", default=True, abort=True)
    with ProgressLine() as line:
        done = job.execute(line.show)
    said = json.dumps(texts.done_json(done), ensure_ascii=False) if as_json else texts.done_lines(done, config.timezone)
    click.echo(said)
    return 0 if done.record.outcome is Outcome.SUCCESS else FAILED


@dataclass(frozen=True)
class _Job:
    """A restore that is worked out: what to show first, what to have typed, and how to do it."""

    shown: str
    shown_json: dict[str, Any]
    confirmation: str | None
    execute: Callable[[Show], Done]


def _from_set(config: Config, request: Request) -> _Job:
    made = plan.make(config, request, now_utc())
    wanted = made.confirmation(config.host)
    return _Job(
        texts.plan_lines(made, config.timezone),
        texts.plan_json(made, wanted),
        wanted,
        lambda show: operation.execute(config, made, show=show),
    )


def _point_in_time(config: Config, request: Request) -> _Job:
    made = point_plan.make(config, request, now_utc())
    return _Job(
        made.lines(config.timezone),
        made.to_json(),
        made.confirmation(),
        lambda show: point_operation.execute(config, made, show=show),
    )


def _moment(text: str | None, timezone: str) -> datetime | str | None:
    if text is None or text == LATEST:
        return text
    moment = parse_moment(text, timezone)
    if moment is None:
        raise BackupError("configuration_wrong", "--until", f"{text} is no time such as 2026-11-22 10:00")
    return moment


def _require_confirmation(wanted: str, given: str | None) -> None:
    if given is None and sys.stdin.isatty():
        given = click.prompt(
            f"此操作会改动正在使用的数据。输入 {wanted} 以确认 / This changes live data. Type {wanted} to confirm"
        )
    if given != wanted:
        raise BackupError("not_confirmed", wanted, f"given: {given}" if given else "nothing was given (--confirm)")


def _list(config: Config, request: Request, *, as_json: bool) -> int:
    sets, now = open_sets(config, request.policy, request.repository), now_utc()
    if as_json:
        click.echo(json.dumps({"schema": 1, "sets": [texts.set_json(sets, item) for item in sets.sealed]}))
    else:
        click.echo(sets.repository.place)
        for item in sets.sealed:
            click.echo(texts.set_line(sets, item, now, config.timezone))
    return 0


def _contents(config: Config, request: Request, *, as_json: bool) -> int:
    lines = texts.contents(plan.open_set(config, request, now_utc()))
    if as_json:
        click.echo(json.dumps({"schema": 1, "contents": list(lines)}, ensure_ascii=False))
    else:
        for line in lines:
            click.echo(line)
    return 0
