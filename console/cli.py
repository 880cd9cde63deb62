"""``xinglin console``: serve the pages, work, migrate the store, first login, status, incidents, notifications, rules,
the audit log.

Exit codes: 0 fine, 1 findings, 2 usage, 3 a tool failed.
"""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from console.alerts.cli import incidents, rules
from console.config import ConfigError
from console.opening import FINDINGS, config_option, fail, opened


@click.group()
def console() -> None:
    """Serve the operations console and its worker."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)


console.add_command(incidents)
console.add_command(rules)


@console.command()
@config_option
def serve(path: Path) -> None:
    """Serve the pages on the unix socket."""
    from console.serving import serve_pages  # noqa: PLC0415 — Flask is loaded by this command only

    with opened(path) as here:
        serve_pages(here.config, here.audit)


@console.command()
@config_option
def worker(path: Path) -> None:
    """Scrape, ingest, judge, roll up and seal, until SIGTERM."""
    from console.worker.main import AlreadyRunningError, run_worker, stop_on_signals  # noqa: PLC0415

    with opened(path) as here:
        try:
            run_worker(here.config, here.sessions, here.audit, stop_on_signals())
        except AlreadyRunningError as error:
            fail(str(error))


@console.command()
@config_option
def migrate(path: Path) -> None:
    """Bring the store to the newest schema (the other commands do it, too)."""
    with opened(path) as here:
        click.echo(f"{here.config.store_url.split('://', 1)[0]}: the store has the newest schema")


@console.command("first-login")
@config_option
def first_login(path: Path) -> None:
    """Print the secret that makes the first account; it works once, within 24 hours."""
    from console.auth.access import Access  # noqa: PLC0415
    from console.auth.firstlogin import issue_secret  # noqa: PLC0415

    with opened(path) as here, here.sessions.begin() as session:
        access = Access(session, here.audit, datetime.now(UTC), "local command")
        secret = issue_secret(access, actor="root")
        if secret is None:
            session.rollback()
            click.echo("There already is an account: log in with it.", err=True)
            sys.exit(FINDINGS)
    click.echo(secret)


@console.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole document.")
def status(path: Path, as_json: bool) -> None:
    """Print hosts, backups and open problems.  Exit code 1 when something is critical."""
    from console.status import status_document  # noqa: PLC0415

    with opened(path) as here, here.sessions() as session:
        document = status_document(session, here.config, datetime.now(UTC))
    if as_json:
        # ASCII: on its way through SSH the answer is cut into pieces, also in the middle of a character.
        click.echo(json.dumps(document, indent=1))
        return
    for host in document["hosts"]:
        click.echo(f"{host['state']:8} {host['name']:20} last seen {host['last_seen'] or 'never'}")
    for one in document["incidents"]:
        told = f", {one['acknowledged_by']} takes care" if one["acknowledged_by"] else ""
        click.echo(f"incident {one['id']}  {one['severity']}  since {one['opened_at']}{told}  {one['title']}")
    for problem in document["problems"]:
        click.echo(f"\n{problem['severity'].upper()}  {problem['title']}  (since {problem['since'] or 'unknown'})")
        click.echo(f"  {problem['meaning']}\n  Next: {problem['next_step']}")
    sys.exit(FINDINGS if any(one["severity"] == "crit" for one in document["problems"]) else 0)


@console.group()
def notify() -> None:
    """Work with the routes by which people are told."""


@notify.command("test")
@config_option
@click.option("--route", "wanted", help="Only this route.")
def notify_test(path: Path, wanted: str | None) -> None:
    """Send a test message and print each provider's own answer.  Exit code 1 when one did not take it.

    Run it as root on the appliance: the secrets are root's.
    """
    from console.notifications.opening import open_routes  # noqa: PLC0415
    from console.notifications.secrets import load_secrets, secrets_file  # noqa: PLC0415
    from console.notifications.trial import trial_message  # noqa: PLC0415

    try:
        secrets = load_secrets(secrets_file(os.environ))  # before this process becomes the console's user
    except ConfigError as error:
        fail(str(error))
    with opened(path) as here:
        routes = open_routes(here.config, secrets)
        names = [route.name for route in routes.all() if wanted in {None, route.name}]
        if not names:
            raise click.UsageError(f"no such route; there are: {', '.join(r.name for r in routes.all()) or 'none'}")
        now = datetime.now(UTC)
        outcomes = {}
        for name in names:
            delivery = routes.send(name, trial_message(here.config, "root", now))
            outcomes[name] = delivery.outcome.value
            click.echo(f"{name}: {delivery.outcome}: {delivery.answer}")
        here.audit.append(actor="root", action="notification.tested", target=", ".join(names), detail=outcomes)
    sys.exit(FINDINGS if set(outcomes.values()) != {"delivered"} else 0)


@console.group()
def audit() -> None:
    """Work with the audit log."""


@audit.command()
@config_option
def verify(path: Path) -> None:
    """Check every record, seal and signature.  Exit code 1 with findings."""
    from console.anchors import load_anchors  # noqa: PLC0415
    from console.audit.verify import Question  # noqa: PLC0415
    from console.audit.verify import verify as verify_log  # noqa: PLC0415

    with opened(path) as here, here.sessions() as session:
        here.audit.files.create()
        report = verify_log(here.audit.files, datetime.now(UTC), load_anchors(session))
    for finding in report.findings:
        click.echo(f"{finding.question}: {finding.place}: {finding.detail}")
    for question in Question:
        click.echo(f"{question.value:8} {'yes' if report.holds(question) else 'NO'}")
    click.echo(f"records  {report.records}\nsealed   {report.sealed_days} days\nhead     {report.head_line_sha256}")
    click.echo(f"key      {report.key_sha256 or '(none yet: the first day is sealed after midnight UTC)'}")
    sys.exit(FINDINGS if report.findings else 0)


@audit.command()
@config_option
def record(path: Path) -> None:
    """Append what an operator's command did: {"action", "actor", "target", "detail"} as JSON on stdin.

    Only for root on the appliance, and only actions of the recovery, so that no other record can be made up here.
    """
    try:
        event = json.load(sys.stdin)
        action, actor, target = str(event["action"]), str(event["actor"]), str(event["target"])
        detail = dict(event["detail"])
    except (ValueError, KeyError, TypeError) as error:
        raise click.UsageError(f"not an event: {error!r}") from None
    if not action.startswith("recovery."):
        raise click.UsageError(f"{action}: only recovery.* is recorded here")
    with opened(path) as here:
        here.audit.append(actor=actor, action=action, target=target, detail=detail)
