"""``xinglin backup run`` and ``heal``."""

from pathlib import Path

import click

from backup import job, locks, policy_file, recorder, report
from backup.cli.common import FAILED, FINDINGS, ProgressLine, chosen, config_option, explained, policy_option
from backup.errors import BackupError
from backup.status import Cause, Outcome, Trigger

CODES = {Outcome.SUCCESS: 0, Outcome.WARNING: FINDINGS}


@click.command()
@config_option
@policy_option
@click.option(
    "--trigger",
    type=click.Choice([Trigger.MANUAL.value, Trigger.SCHEDULE.value]),
    default=Trigger.MANUAL.value,
    help="Who starts it: a person, or the timer (which notices itself when it catches up after a missed night).",
)
@explained
def run(config_path: Path, policy_name: str | None, trigger: str) -> int:
    """Back up now: dump, store, check, copy offsite."""
    config = policy_file.load(config_path)
    codes = []
    for policy in chosen(config, policy_name):
        with ProgressLine() as line:
            done = job.run_policy(config, policy, Trigger(trigger), show=line.show)
        click.echo(report.run_lines(done))
        codes.append(CODES.get(done.outcome, FAILED))
    return max(codes)


@click.command()
@config_option
@explained
def heal(config_path: Path) -> int:
    """Close the records of runs that died (power cut, kill); prints "changed" or "unchanged"."""
    config = policy_file.load(config_path)
    try:
        with locks.mutex(config.mutex):
            healed = recorder.heal(config.runs, config.host, recorder.boot_id())
    except BackupError as error:
        if error.cause.code != "already_running":
            raise
        healed = []
    for dead in healed:
        cause = dead.cause or Cause("interrupted", config.host, "")
        click.echo(f"{dead.run_id}: {cause.detail}", err=True)
    click.echo("changed" if healed else "unchanged")
    return 0
