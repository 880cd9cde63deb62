"""``xinglin console incidents`` and ``xinglin console rules``.

Exit codes: 0 fine, 1 findings (open incidents that are critical), 2 usage, 3 a tool failed.
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from console.opening import FINDINGS, config_option, fail, opened

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
reason_option = click.option("--reason", required=True, help="Why, for the record.")


@click.group()
def incidents() -> None:
    """List, show, acknowledge and resolve incidents."""


@incidents.command("list")
@config_option
@json_option
@click.option("--all", "closed", is_flag=True, help="Closed ones as well, the newest 100.")
def list_incidents(path: Path, as_json: bool, closed: bool) -> None:
    """List the open incidents, the newest first.  Exit code 1 when one is critical."""
    from console.alerts.documents import open_documents  # noqa: PLC0415 — the catalogues are loaded here only

    with opened(path) as here, here.sessions() as session:
        found = open_documents(session, closed=closed)
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        for one in found:
            state = "resolved" if one["resolved_at"] else "acknowledged" if one["acknowledged_at"] else "open"
            click.echo(f"{one['id']:6} {one['severity']:5} {state:13} {one['opened_at']}  {one['title']}")
    critical = any(one["severity"] == "crit" and not one["resolved_at"] for one in found)
    sys.exit(FINDINGS if critical else 0)


@incidents.command()
@config_option
@json_option
@click.argument("number", type=int)
def show(path: Path, as_json: bool, number: int) -> None:
    """Show one incident: texts, history, and every attempt to tell people."""
    from console.alerts.documents import incident_document  # noqa: PLC0415

    with opened(path) as here, here.sessions() as session:
        one = incident_document(session, number)
    if one is None:
        fail(f"there is no incident {number}. Next: xinglin console incidents list --all")
    if as_json:
        click.echo(json.dumps(one, indent=1))
        return
    click.echo(f"{one['severity'].upper()}  {one['title']}\n  {one['meaning']}\n  Next: {one['next_step']}\n")
    for event in one["events"]:
        click.echo(f"{event['at']}  {event['kind']:13} {event['actor'] or ''} {event['detail']}".rstrip())
    for sent in one["notifications"]:
        click.echo(f"\n{sent['route']}: {sent['kind']}: {sent['state']} after {sent['attempts']} attempts")
        for attempt in sent["tries"]:
            click.echo(
                f"  {attempt['started_at']}  {attempt['outcome'] or 'unknown'}  {attempt['answer'] or ''}".rstrip()
            )


@incidents.command()
@config_option
@click.option("--comment", default="", help="What you are doing about it.")
@click.argument("number", type=int)
def ack(path: Path, comment: str, number: int) -> None:
    """Note that you take care of an incident; it goes into the audit log."""
    from console.alerts.incidents import Desk, NotOpenError  # noqa: PLC0415 — the store's models are loaded here only

    with opened(path) as here:
        try:
            with here.sessions.begin() as session:
                Desk(session, here.config, datetime.now(UTC)).acknowledge(here.audit, number, person(), comment)
        except NotOpenError as error:
            fail(str(error))


@incidents.command()
@config_option
@reason_option
@click.argument("number", type=int)
def resolve(path: Path, reason: str, number: int) -> None:
    """Close an incident yourself; while its condition holds it stays quiet for a day.

    It goes into the audit log, and whoever was told of the problem is told of its end.
    """
    from console.alerts.incidents import Desk, NotOpenError  # noqa: PLC0415

    with opened(path) as here:
        try:
            with here.sessions.begin() as session:
                Desk(session, here.config, datetime.now(UTC)).resolve_by_person(here.audit, number, person(), reason)
        except NotOpenError as error:
            fail(str(error))


def person() -> str:
    """Return who typed the command, for the record."""
    return f"local: {os.environ.get('SUDO_USER') or os.environ.get('USER') or 'root'}"


@click.group()
def rules() -> None:
    """Work with the alert rules."""


@rules.command()
@config_option
def export(path: Path) -> None:
    """Print the rules in Prometheus' rule format (2.42 or later)."""
    from console.alerts.export import prometheus_rules  # noqa: PLC0415
    from console.alerts.rulebook import load_rules  # noqa: PLC0415
    from console.alerts.topology import facility_objects  # noqa: PLC0415
    from console.config import ConfigError, load_config  # noqa: PLC0415

    try:
        click.echo(prometheus_rules(load_rules(), facility_objects(load_config(path))), nl=False)
    except ConfigError as error:
        fail(str(error))
