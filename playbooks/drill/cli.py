"""``xinglin drill power``: start a power drill, follow it, print its record.

Exit codes: 0 passed, 1 failed, 2 usage or a mistake in the facility, 3 it could not be started, or reached no verdict.
"""

import getpass
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import click

from agent.power.records import Verdict
from inventory.loader import Facility, FacilityError, find_facility, load_facility
from inventory.schema.devices import Ups
from playbooks.drill.follow import Mains, NoMains, follow
from playbooks.drill.start import start
from playbooks.drill.table import table
from playbooks.recovery.remote import RecoveryError
from playbooks.runner import target

EXIT_CODES = {Verdict.PASSED: 0, Verdict.FAILED: 1}
USAGE, FAILED = 2, 3


@click.group()
def drill() -> None:
    """Rehearse an emergency."""


@drill.command()
@click.argument("directory", metavar="[FACILITY]", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--scope", type=click.Choice(["lab", "facility"]), required=True,
              help="lab: a simulated UPS of the clinic on this machine; facility: the real one.")  # fmt: skip
@click.option("--how", type=click.Choice(["test", "unplug"]),
              help="facility: the UPS's own battery test (default), or you pull the plug, for real.")  # fmt: skip
@click.option("--ups", "name", metavar="NAME", help="Which UPS, where the facility has several.")
@click.option("--operator", help="Who is responsible. Default: the user who runs this.")
@click.option("--yes", is_flag=True, help="Do not ask for the facility's name.")
@click.option("--lab", "lab_name", default="qinghe", envvar="XINGLIN_LAB", show_default=True, help="Lab's name.")
def power(
    *,
    directory: Path | None,
    scope: str,
    how: str | None,
    name: str | None,
    operator: str | None,
    yes: bool,
    lab_name: str,
) -> None:
    """Take the mains away (or say so) and see every host go down in order and come back."""
    if scope == "lab" and how:
        _stop(USAGE, "--how: a lab drill is always simulated.")
    with ExitStack() as stack:
        mains: Mains = NoMains()
        try:
            if scope == "lab":
                from playbooks.drill.lab import lab_mains  # noqa: PLC0415 - only a checkout has a lab

                mains, directory = lab_mains(stack, lab_name, directory)
            facility = load_facility(find_facility(directory))
            ups = _chosen(facility, name, scope)
            _confirm(facility, ups, how or "test", scope, yes)
            host = next(one for one in facility.hosts if one.name == ups.connected_to)
            started = start(target(facility, host), ups.name, scope, how, operator or getpass.getuser())
            for warning in started.warnings:
                _say(f"look at: {warning.replace('_', ' ')}")
            if how == "unplug":
                _say(f"Pull the plug of {ups.name} now; put it back when {host.name} is dark.")
            record = follow(target(facility, host), started.begun_at, ups.name, mains=mains, say=_say)
        except FacilityError as error:
            _stop(USAGE, "\n".join(str(mistake) for mistake in error.mistakes))
        except RecoveryError as error:
            _stop(FAILED, str(error))
    click.echo(table(record))
    sys.exit(EXIT_CODES.get(record.verdict, FAILED) if record.verdict else FAILED)


def _chosen(facility: Facility, name: str | None, scope: str) -> Ups:
    names = [ups.name for ups in facility.ups]
    if name is None and len(names) == 1:
        name = names[0]
    if name not in names:
        _stop(USAGE, f"--ups: name one of {', '.join(names) or 'none: the facility has no UPS'}.")
    ups = next(ups for ups in facility.ups if ups.name == name)
    if (ups.driver == "dummy") != (scope == "lab"):
        kind = "simulated: --scope lab" if ups.driver == "dummy" else "real: --scope facility"
        _stop(USAGE, f"--scope: {ups.name} is {kind}.")
    return ups


def _confirm(facility: Facility, ups: Ups, how: str, scope: str, yes: bool) -> None:
    if scope == "facility" and how == "test":
        _say(f"{ups.name} will test its battery; nobody is shut down.")
    else:
        _say(f"Shuts down, in order, and brings back: {', '.join(ups.powers)}.")
    if yes:
        return
    typed = click.prompt(f"Type the facility's name ({facility.name_zh}) to begin", err=True)
    if typed.strip() not in {facility.name_zh, facility.name_en}:
        _stop(USAGE, "That is not the facility's name; nothing was done.")


def _say(text: str) -> None:
    click.echo(text, err=True)


def _stop(code: int, text: str) -> NoReturn:
    click.echo(f"xinglin drill: {text}", err=True)
    sys.exit(code)
