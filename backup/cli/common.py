"""What every backup command shares: how errors, exit codes and progress reach people.

Exit codes: 0 fine, 1 findings (a warning, a failed verification), 2 wrong usage or configuration, 3 it failed.
Results go to stdout, logs and progress to stderr.
"""

import logging
import signal
import sys
import time
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, Self

import click

from backup import report
from backup.config import policy_file
from backup.config.policy import Config, Policy
from backup.errors import BackupError

FINDINGS, USAGE, FAILED = 1, 2, 3
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


def explained(command: Callable[P, int]) -> Callable[P, None]:
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
            code = USAGE if error.cause.code in {"configuration_wrong", "not_confirmed"} else FAILED
        except KeyboardInterrupt:
            click.echo("Interrupted. The next run heals what is half done.", err=True)
            code = FAILED
        sys.exit(code)

    return wrapped


def chosen(config: Config, policy_name: str | None) -> Iterable[Policy]:
    """Return the policy of this name, or all of them; raises BackupError ``configuration_wrong``."""
    return config.policies if policy_name is None else (config.policy(policy_name),)


class ProgressLine:
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
