"""`xinglin provision` and `xinglin status`.

Exit codes: 0 fine, 1 a host failed, did not answer or has a problem, 2 usage or a mistake in the facility (nothing was
done), 3 a tool failed or the run was cancelled.
"""

import json
import sys
from pathlib import Path
from typing import NoReturn

import click

from inventory.loader import FacilityError, find_facility, load_facility
from playbooks.delivery import RunningAlreadyError
from playbooks.engine import AnsibleError
from playbooks.login import Credential, FirstContactError, Target
from playbooks.record import RunStatus, TaskResult
from playbooks.runner import LimitError, Outcome, target
from playbooks.runner import provision as run_provision
from playbooks.screen import screen
from playbooks.status import StatusError, fetch
from playbooks.wheelhouse import WheelhouseError

DIRECTORY = click.Path(path_type=Path, file_okay=False)
EXIT_CODES = {RunStatus.SUCCESSFUL: 0, RunStatus.FAILED: 1, RunStatus.UNREACHABLE: 1}


@click.command()
@click.argument("directory", type=DIRECTORY, required=False)
@click.option("--check", is_flag=True, help="Change nothing; say what a run would change.")
@click.option("--limit", metavar="HOSTS", help="Only these hosts or groups, separated by commas.")
@click.option("--tags", metavar="TAGS", default="", help="Only these parts, as base,firewall or clause_8.1.4.1.")
@click.option(
    "--credential-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="First logins: {HOST: {user, password}}, mode 0600.  Default: first-contact.yml in the facility.",
)
def provision(directory: Path | None, check: bool, limit: str | None, tags: str, credential_file: Path | None) -> None:
    """Set the hosts of the facility in DIRECTORY up, else of $XINGLIN_FACILITY, else of ./facility."""
    try:
        outcome = run_provision(
            find_facility(directory),
            check=check,
            limit=limit,
            tags=[tag for tag in tags.split(",") if tag],
            credentials=credential_file,
            ask=_ask,
        )
    except FacilityError as error:
        _stop(2, "\n".join(str(mistake) for mistake in error.mistakes))
    except (FirstContactError, LimitError, RunningAlreadyError) as error:
        _stop(2, str(error))
    except (AnsibleError, WheelhouseError) as error:
        _stop(3, str(error))
    click.echo(report(outcome))
    sys.exit(EXIT_CODES.get(outcome.record.status, 3))


def report(outcome: Outcome) -> str:
    """Return the end of a run in one screen: a line for each host, a statement for each problem."""
    lines = []
    for host, counts in outcome.record.hosts().items():
        trouble = f", {counts.failed} failed" if counts.failed else ""
        trouble += ", did not answer" if counts.unreachable else ""
        verb = "would change" if outcome.record.check else "changed"
        lines.append(f"{host:<11} {counts.ok} tasks fine, {counts.changed} {verb}{trouble}")
    lines += [f"\n{statement}" for statement in outcome.statements]
    if outcome.status == RunStatus.CANCELED:
        lines.append("\ncancelled: nothing half-written stays; run again to finish")
    elif not outcome.statements and outcome.record.tags and not any(map(_is_chosen, outcome.record.tasks)):
        lines.append(f"\nno task has a tag of {', '.join(outcome.record.tags)}")
    elif not outcome.statements:
        verb = "would change" if outcome.record.check else "changed"
        lines.append(
            f"\n{outcome.status}, " + (f"{outcome.changed} {verb}" if outcome.changed else "nothing to change")
        )
    return "\n".join(lines)


def _is_chosen(task: TaskResult) -> bool:
    """Tell whether a task runs because of its tags: facts and argument checks always run."""
    return bool(task.role) and not task.action.endswith("validate_argument_spec")


@click.command()
@click.argument("directory", type=DIRECTORY, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print what the console answered, for a machine.")
def status(directory: Path | None, as_json: bool) -> None:
    """Hosts, agents, backups and open problems of the facility in one screen."""
    try:
        facility = load_facility(find_facility(directory))
        answer = fetch(target(facility, facility.appliance))
    except FacilityError as error:
        _stop(2, "\n".join(str(mistake) for mistake in error.mistakes))
    except StatusError as error:
        _stop(3, str(error))
    click.echo(json.dumps(answer, ensure_ascii=False, indent=1) if as_json else screen(answer, facility.locale))
    critical = any(problem["severity"] == "crit" for problem in answer["problems"])
    sys.exit(1 if critical else 0)


def _ask(target: Target) -> Credential | None:
    """Ask a person for a host's first login; nobody is asked where nobody sits."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    user = click.prompt(f"{target.name} ({target.address}) first login: user", default="root", err=True)
    return Credential(user, click.prompt("password", hide_input=True, err=True))


def _stop(code: int, text: str) -> NoReturn:
    click.echo(text, err=True)
    sys.exit(code)
