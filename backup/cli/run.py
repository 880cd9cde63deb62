"""``xinglin backup run`` and ``heal``."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from backup import report
from backup.cli.common import FAILED, FINDINGS, ProgressLine, chosen, config_option, explained, policy_option
from backup.config import policy_file
from backup.config.policy import Config, Policy
from backup.errors import BackupError
from backup.night import job, recorder, seal
from backup.repositories import locks
from backup.restore import operation
from backup.rules import due
from backup.status import Cause, Outcome, Trigger, read_runs

TIMER = "TRIGGER_UNIT"
"""systemd names the timer here; a unit that a person starts has none."""
CODES = {Outcome.SUCCESS: 0, Outcome.WARNING: FINDINGS, Outcome.SKIPPED: FINDINGS}


@click.command()
@config_option
@policy_option
@click.option(
    "--due",
    "only_due",
    is_flag=True,
    default=lambda: TIMER in os.environ,
    help="Only the policies whose time has come, as when a timer starts it.",
)
@explained
def run(config_path: Path, policy_name: str | None, only_due: bool) -> int:
    """Back up now: dump, store, check, copy offsite."""
    config = policy_file.load(config_path)
    policies = list(chosen(config, policy_name))
    if only_due:
        return max(_run_due(config, policies), default=0)
    return max(_run(config, policy, Trigger.MANUAL) for policy in sorted(policies, key=lambda item: item.order))


def _run_due(config: Config, policies: Sequence[Policy]) -> Iterator[int]:
    """Run what is due, and what has become due meanwhile; each policy once for each of its times."""
    done: set[tuple[str, datetime]] = set()
    zone = ZoneInfo(config.timezone)
    while waiting := due.find(policies, read_runs(config.runs), recorder.now_utc(), zone, done):
        first = waiting[0]
        done.add((first.policy.name, first.slot))
        yield _run(config, first.policy, first.trigger)


def _run(config: Config, policy: Policy, trigger: Trigger) -> int:
    with ProgressLine() as line:
        done = job.run_policy(config, policy, trigger, show=line.show)
    click.echo(report.run_lines(done))
    return CODES.get(done.outcome, FAILED)


@click.command()
@config_option
@explained
def heal(config_path: Path) -> int:
    """Close the records of runs that died and remove what they left; prints "changed" or "unchanged"."""
    config = policy_file.load(config_path)
    try:
        with locks.mutex(config.mutex):
            healed = recorder.heal(config.runs, config.host, recorder.boot_id())
            seal.sweep(config.staging)
            config.progress.unlink(missing_ok=True)
    except BackupError as error:
        if error.cause.code != "already_running":
            raise
        healed = []
    for dead in healed:
        cause = dead.cause or Cause("interrupted", config.host, "")
        click.echo(f"{dead.run_id}: {cause.detail}", err=True)
    restores = operation.heal_dead(config)
    for restore in restores:
        cause = restore.cause or Cause("restore_interrupted", config.host, "")
        click.echo(f"{restore.restore_id}: {cause.detail}", err=True)
    click.echo("changed" if healed or restores else "unchanged")
    return 0
