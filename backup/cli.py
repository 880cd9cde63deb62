"""``xinglin backup``: run, verify, status, init, heal.

Exit codes: 0 fine, 1 findings (a warning, a failed verification), 2 wrong usage or configuration, 3 it failed.
Results go to stdout, logs and progress to stderr.
"""

import json
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, Self

import click

from backup import job, locks, policy_file, recorder, report, repository, rest_server
from backup.errors import BackupError
from backup.policy import Config, Policy
from backup.status import Cause, Outcome, Trigger, Verdict, read_runs, read_verifications
from backup.verify import verify_policy

FINDINGS, USAGE, FAILED = 1, 2, 3
RUN_CODES = {Outcome.SUCCESS: 0, Outcome.WARNING: FINDINGS}
VERDICT_CODES = {Verdict.PASSED: 0, Verdict.FAILED: FINDINGS, Verdict.SKIPPED: FINDINGS}
P = ParamSpec("P")

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=policy_file.DEFAULT_PATH,
    show_default=True,
    help="This host's backup configuration.",
)
policy_option = click.option("--policy", "policy_name", help="Only this policy; without it, all of this host.")


def _explained(command: Callable[P, int]) -> Callable[P, None]:
    """Turn a BackupError into its explanation and an exit code, and SIGTERM into an orderly end."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        level = logging.WARNING if sys.stderr.isatty() else logging.INFO
        logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            code = command(*args, **kwargs)
        except BackupError as error:
            click.echo(report.explained(error.cause), err=True)
            code = USAGE if error.cause.code == "configuration_wrong" else FAILED
        except KeyboardInterrupt:
            click.echo("Interrupted. The next run heals what is half done.", err=True)
            code = FAILED
        sys.exit(code)

    return wrapped


def _chosen(config: Config, policy_name: str | None) -> Iterable[Policy]:
    return config.policies if policy_name is None else (config.policy(policy_name),)


@click.group()
def backup() -> None:
    """Run, verify and inspect this host's backups."""


@backup.command()
@config_option
@policy_option
@click.option(
    "--trigger",
    type=click.Choice([Trigger.MANUAL.value, Trigger.SCHEDULE.value]),
    default=Trigger.MANUAL.value,
    help="Who starts it: a person, or the timer (which notices itself when it catches up after a missed night).",
)
@_explained
def run(config_path: Path, policy_name: str | None, trigger: str) -> int:
    """Back up now: dump, store, check, copy offsite."""
    config = policy_file.load(config_path)
    codes = []
    for policy in _chosen(config, policy_name):
        with _Line() as line:
            done = job.run_policy(config, policy, Trigger(trigger), show=line.show)
        click.echo(report.run_lines(done))
        codes.append(RUN_CODES.get(done.outcome, FAILED))
    return max(codes)


@backup.command()
@config_option
@policy_option
@click.option("--repository", "repository_name", type=click.Choice(["local", "offsite"]), default="local")
@_explained
def verify(config_path: Path, policy_name: str | None, repository_name: str) -> int:
    """Restore the newest backup into a scratch place and compare it with the original's manifest."""
    config = policy_file.load(config_path)
    codes = []
    for policy in _chosen(config, policy_name):
        with _Line() as line:
            proof = verify_policy(config, policy, repository_name, show=line.show)
        click.echo(report.verification_lines(proof))
        codes.append(VERDICT_CODES.get(proof.verdict, FAILED))
    return max(codes)


@backup.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@_explained
def status(config_path: Path, as_json: bool) -> int:
    """Tell how each policy stands.  Exit code 1 when one has no good and proved backup within its RPO."""
    config = policy_file.load(config_path)
    unreadable: list[str] = []

    def note(path: Path, problem: str) -> None:
        unreadable.append(f"{path}: {problem}")

    runs, proofs = read_runs(config.runs, note), read_verifications(config.verifications, note)
    standings = [report.standing(policy, runs, proofs, recorder.now_utc()) for policy in config.policies]
    if as_json:
        data = {"schema": 1, "host": config.host, "unreadable": unreadable}
        click.echo(json.dumps(data | {"policies": [item.to_json() for item in standings]}, ensure_ascii=False))
    else:
        for item in standings:
            click.echo(item.text())
        for problem in unreadable:
            click.echo(f"unreadable status file: {problem}", err=True)
    return 0 if all(item.is_good for item in standings) else FINDINGS


@backup.command()
@config_option
@_explained
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
        repository.init(target, config.repository("local") if name == "offsite" else None)
        return True
    repository.require_password(target)
    return False


@backup.command()
@config_option
@_explained
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


class _Line:
    """A progress line with the elapsed time, on a terminal only."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._on = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._on:
            click.echo("\r\x1b[K", nl=False, err=True)

    def show(self, step: str, fraction: float | None = None, done_bytes: int = 0) -> None:
        """Draw the line."""
        if self._on:
            elapsed = int(time.monotonic() - self._began)
            share = f" {fraction:.0%}" if fraction is not None else ""
            size = f" {report.size(done_bytes)}" if done_bytes else ""
            click.echo(f"\r\x1b[K{elapsed // 60:02d}:{elapsed % 60:02d} {step}{share}{size} …", nl=False, err=True)
