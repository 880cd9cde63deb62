"""``xinglin agent``: serve this host's metrics, facts and events; gather its facts.

Exit codes: 0 fine, 2 usage (also a wrong configuration), 3 the agent could not start or write.
"""

import logging
import sys
from pathlib import Path

import click

from agent.config import DEFAULT_PATH, DEFAULT_STATE_DIRECTORY, load_config
from agent.errors import AgentError

EXIT_USAGE = 2
EXIT_FAILED = 3


@click.group()
def agent() -> None:
    """Serve this host's metrics and facts; gather facts."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)


def _fail(error: AgentError, code: int) -> None:
    click.echo(f"xinglin agent: {error}", err=True)
    sys.exit(code)


@agent.command()
@click.option("--config", type=click.Path(path_type=Path), default=DEFAULT_PATH, show_default=True)
def serve(config: Path) -> None:
    """Answer /metrics, /facts and /events over mutual TLS until SIGTERM; ask the configured devices."""
    try:
        settings = load_config(config)
    except AgentError as error:
        _fail(error, EXIT_USAGE)
        return
    from agent.service import serve as run  # noqa: PLC0415 - a wrong configuration is told without loading the rest

    try:
        run(settings)
    except AgentError as error:
        _fail(error, EXIT_FAILED)


@agent.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=DEFAULT_STATE_DIRECTORY / "facts.json",
    show_default=True,
    help="Where the facts go.",
)
def gather(output: Path) -> None:
    """Read this host's security facts (as root, read-only) into a file."""
    from agent.facts.gather import main_gather  # noqa: PLC0415 - only this command needs the gatherer

    try:
        main_gather(output)
    except OSError as error:
        cause = f"the facts could not be written: {error.strerror or error}"
        _fail(AgentError(str(output), cause, "run as root, or name another file with --output"), EXIT_FAILED)
