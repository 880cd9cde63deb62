"""``xinglin power``: the daemon on a UPS's host, the boot report of every fed host, drills and their records.

Exit codes: 0 fine, 2 usage or a wrong configuration, 3 it could not be done.
"""

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import click

from agent.errors import AgentError
from agent.power.config import DEFAULT_PATH, Config, load_config

EXIT_USAGE, EXIT_ERROR = 2, 3
ANSWER_SECONDS = 20.0
STATE_DIRECTORY = Path("/var/lib/xinglin")
CONFIG = click.option("--config", type=click.Path(path_type=Path), default=DEFAULT_PATH, show_default=True)


@click.group()
def power() -> None:
    """Take the clinic down in order before the battery is empty, and bring it back."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)


@power.command()
@CONFIG
def serve(config: Path) -> None:
    """Watch this host's UPSes until SIGTERM (root: no; user xinglin-power with systemd's credentials)."""
    loaded = _loaded(config)
    from agent.config import TLS_FILES, Tls  # noqa: PLC0415 - only the daemon needs the rest
    from agent.power.daemon import serve as run  # noqa: PLC0415

    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if not credentials:
        _stop(EXIT_USAGE, "CREDENTIALS_DIRECTORY: systemd passed no credentials. Next: start xinglin-power.service")
    directory = Path(credentials)
    try:
        password = (directory / "upsd-password").read_text(encoding="utf-8").strip()
        run(loaded, Tls(**{key: directory / name for key, name in TLS_FILES.items()}), password)
    except OSError as error:
        _stop(EXIT_ERROR, f"{error.filename}: {error.strerror}. Next: run the playbook ups.yml for this host")
    except AgentError as error:
        _stop(EXIT_ERROR, str(error))


@power.command()
@click.option("--directory", type=click.Path(path_type=Path), default=STATE_DIRECTORY / "power", show_default=True)
def booted(directory: Path) -> None:
    """Write down how this host came up and how it had gone down (root, once a boot)."""
    from agent.power.boot import write_report  # noqa: PLC0415 - only this command needs it
    from agent.power.kernel import boot_id, booted_at  # noqa: PLC0415

    try:
        report = write_report(directory, boot_id(), booted_at())
    except OSError as error:
        _stop(EXIT_ERROR, f"{directory}: the boot report could not be written: {error.strerror or error}")
    click.echo(json.dumps(report, ensure_ascii=False))


@power.command()
@click.option("--scope", type=click.Choice(["lab", "facility"]), required=True)
@click.option("--how", type=click.Choice(["test", "unplug"]), help="facility: the UPS's own test, or pull the plug.")
@click.option("--ups", "name", metavar="NAME", help="Which UPS, where this host has several.")
@click.option("--operator", required=True, help="Who is responsible for this drill.")
@CONFIG
def drill(scope: str, how: str | None, name: str | None, operator: str, config: Path) -> None:
    """Start a power drill on this UPS's host; prints the UPS and what speaks against it, as JSON."""
    from agent.power import request as asking  # noqa: PLC0415 - only this command needs it
    from agent.power.kernel import boot_id  # noqa: PLC0415

    loaded = _loaded(config)
    names = [ups.name for ups in loaded.upses]
    if name is None and len(names) != 1:
        _stop(EXIT_USAGE, f"--ups: name one of {', '.join(names)}")
    if scope == "lab" and how:
        _stop(EXIT_USAGE, "--how: a lab drill is always simulated")
    wanted = asking.new_request(boot_id(), name or names[0], scope, how or asking.HOWS[scope][0], operator)
    directory = loaded.records / "drill"
    try:
        asking.write_request(directory, wanted)
    except OSError as error:
        _stop(EXIT_ERROR, f"{directory}: {error.strerror or error}. Next: run this as root")
    deadline = time.monotonic() + ANSWER_SECONDS
    while (answer := asking.read_answer(directory, wanted.request_id)) is None:
        if time.monotonic() >= deadline:
            asking.take_request(directory)
            _stop(EXIT_ERROR, "the power daemon does not answer. Next: systemctl status xinglin-power")
        time.sleep(0.2)
    if answer.refused:
        _stop(EXIT_ERROR, f"the drill is refused: {answer.refused}")
    _announce(wanted.ups, scope, wanted.how, operator)
    warnings = _warnings(loaded)
    click.echo(json.dumps({"ups": wanted.ups, "how": wanted.how, "warnings": warnings}, ensure_ascii=False))


@power.command()
@click.option("--last", type=click.IntRange(min=1), default=1, show_default=True, help="How many, newest first.")
@click.option("--directory", type=click.Path(path_type=Path), default=STATE_DIRECTORY / "power", show_default=True)
def records(last: int, directory: Path) -> None:
    """Print the newest records of power cuts and drills, as JSON."""
    from agent.power.records import read_records, to_json  # noqa: PLC0415 - only this command needs it

    found = [to_json(record) for record in read_records(directory)[:last]]
    click.echo(json.dumps(found))  # ASCII: SSH cuts answers in the middle of characters


def _announce(ups: str, scope: str, how: str, operator: str) -> None:
    """Tell everybody who is logged in.  Nobody there to read it is no failure."""
    text = f"Xinglin power drill ({scope}, {how}) of {ups}, by {operator}."
    if how != "test":
        text += " This facility's hosts will shut down in order. Save your work now."
    try:
        subprocess.run(["wall", text], check=False, capture_output=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        logging.getLogger(__name__).warning("wall: %s", error)


def _warnings(config: Config) -> list[str]:
    """Return what speaks against a drill at this moment, without forbidding it."""
    from backup.status import read_progress  # noqa: PLC0415 - only this command needs it

    return ["backup_running"] if read_progress(config.state_directory / "backup/progress.json") else []


def _loaded(path: Path) -> Config:
    try:
        return load_config(path)
    except AgentError as error:
        _stop(EXIT_USAGE, str(error))


def _stop(code: int, text: str) -> NoReturn:
    click.echo(f"xinglin power: {text}", err=True)
    sys.exit(code)
