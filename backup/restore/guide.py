"""Asks a person what to restore, from which night, and where to.  Chinese first: it is used under stress."""

from dataclasses import replace
from datetime import datetime

import click

from backup.config.policy import Config
from backup.errors import BackupError
from backup.report import explained
from backup.repositories import rest_server
from backup.restore import choose, texts
from backup.restore.request import Request
from backup.restore.sets import NOT_THERE, open_sets, read_manifest

LISTED = 30


def ask(config: Config, request: Request, now: datetime) -> Request:
    """Complete ``request`` by questions on the terminal; raises BackupError, click.Abort when the person gives up."""
    policy = request.policy or _ask_policy(config)
    sets = open_sets(config, policy, _ask_repository(config))
    shown = sets.sealed[:LISTED]
    click.echo("\n备份集（最新的在前）/ Sets, newest first:")
    for number, item in enumerate(shown, 1):
        click.echo(f"  {number:2}  {texts.set_line(sets, item, now, config.timezone)}")
    chosen = shown[_number("哪一个备份集 / Which set", len(shown)) - 1]
    sealed = read_manifest(sets.repository, chosen)
    asked = replace(request, policy=policy, repository=sets.repository.name, chosen_set=chosen.id)
    parts = choose.restorable(sealed)
    choices = [(f"{part.kind} {part.name}", replace(asked, parts=(part.name,))) for part in parts]
    choices.append(("全部文件 / all files", replace(asked, all_files=True)))
    choices.append(("某些文件或目录 / some files or directories", asked))
    choices.append(("全部内容 / everything", replace(asked, everything=True)))
    click.echo("\n恢复什么 / What:")
    for number, (text, _) in enumerate(choices, 1):
        click.echo(f"  {number:2}  {text}")
    asked = choices[_number("恢复什么 / What", len(choices)) - 1][1]
    if not (asked.named or asked.wants_files):
        asked = replace(asked, paths=_ask_paths())
    chosen_parts = choose.parts(asked, sealed)
    restorers = [choose.KINDS[part.kind] for part in chosen_parts]
    if len(restorers) == 1 and asked.named and restorers[0].entries:
        asked = replace(asked, entries=_ask_entries(restorers[0].entries))
    if asked.wants_files or any(restorer.in_place for restorer in restorers):
        return _ask_target(asked)
    return _ask_name(asked)


def _number(question: str, highest: int) -> int:
    number: int = click.prompt(question, type=click.IntRange(1, highest), default=1)
    return number


def _ask_policy(config: Config) -> str:
    names = [policy.name for policy in config.policies]
    if len(names) == 1:
        return names[0]
    name: str = click.prompt("备份策略 / Policy", type=click.Choice(names), default=names[0])
    return name


def _ask_repository(config: Config) -> str:
    try:
        rest_server.require(config.repository("local"))
    except BackupError as error:
        if error.cause.code not in NOT_THERE or config.offsite is None:
            raise
        click.echo(explained(error.cause))
        click.confirm("改用异地库 / Take the offsite repository instead", default=True, abort=True)
        return "offsite"
    return "local"


def _ask_paths() -> tuple[str, ...]:
    paths: list[str] = []
    while True:
        more: str = click.prompt("绝对路径（空行结束）/ Absolute path (empty: done)", default="", show_default=False)
        if not more and paths:
            return tuple(paths)
        if more.startswith("/"):
            paths.append(more)
        else:
            click.echo("路径必须以 / 开头 / A path begins with /")


def _ask_target(request: Request) -> Request:
    click.echo("\n恢复到哪里 / Where to:")
    click.echo("   1  旁边，不动正在使用的数据 / beside what lives")
    click.echo("   2  原位置，替换正在使用的数据 / in place of what lives")
    if _number("恢复到哪里 / Where to", 2) == 2:
        return replace(request, in_place=True)
    return _ask_name(request)


def _ask_entries(what: str) -> tuple[str, ...]:
    entries: list[str] = []
    question = f"只要其中的{what}（空行结束；什么都不填：全部）/ Only some of it (empty: done; none: all)"
    while more := click.prompt(question, default="", show_default=False):
        entries.append(more)
    return tuple(entries)


def _ask_name(request: Request) -> Request:
    target: str = click.prompt(
        "名称或目录（空：自动）/ Name or directory (empty: automatic)", default="", show_default=False
    )
    return replace(request, target=target or None)
