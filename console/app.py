"""The web application: ``create_app(config)`` for waitress, tests and benchmarks alike."""

import contextlib
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from flask import Flask, request
from flask_login import current_user

from compliance.results import Verdict
from console.audit.log import AuditLog
from console.config import ConsoleConfig
from console.i18n import N_
from console.store.database import open_engine, session_factory
from console.web import (
    account,
    audit,
    backups,
    compliance,
    context,
    devices,
    drills,
    files,
    gate,
    health,
    hosts,
    incidents,
    notification_routes,
    outages,
    overview,
    power,
    runs,
    security,
    snapshots,
    visitor,
    words,
)
from console.web import (
    format as formats,
)
from console.web.context import Console, _

PAGES = (overview, incidents, hosts, power, devices, backups, runs, compliance, audit)
OTHERS = (gate, account, files, health, notification_routes, snapshots, outages, drills)
# Pages that belong to an entry of the menu without being its blueprint.
WITHIN = {
    outages.blueprint.name: power.blueprint.name,
    drills.blueprint.name: power.blueprint.name,
    snapshots.blueprint.name: backups.blueprint.name,
    notification_routes.blueprint.name: incidents.blueprint.name,
}
# Key after "g", endpoint, icon, label.
MENU = (
    ("o", "overview", N_("Overview")),
    ("i", "incidents", N_("Incidents")),
    ("h", "hosts", N_("Hosts")),
    ("p", "power", N_("Power")),
    ("d", "devices", N_("Devices")),
    ("b", "backups", N_("Backups")),
    ("r", "runs", N_("Runs")),
    ("c", "compliance", N_("Compliance")),
    ("a", "audit", N_("Audit")),
)
LONGEST_FORM_BYTES = 64 * 1024


def utc_now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)


def session_key(state_directory: Path) -> bytes:
    """Return the key that signs session cookies, made on first use in a file that only the console's user reads.

    Raises ``OSError`` when the state directory cannot be written.
    """
    path = state_directory / "session.key"
    state_directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    fresh = path.with_name(f".session.key.{secrets.token_hex(4)}")
    if not path.exists():
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)  # of two processes that start at once, one wins and both read its key
        fresh.unlink()
    return path.read_bytes()


def release() -> str:
    """Return the installed wheel's version, or the source tree's."""
    try:
        return version("xinglin")
    except PackageNotFoundError:
        from version import version as from_sources  # noqa: PLC0415 — outside the wheel only

        return from_sources()


def create_app(config: ConsoleConfig, clock: Callable[[], datetime] = utc_now) -> Flask:
    """Return the console's WSGI application over the store and the audit log that ``config`` names.

    The store must have the newest schema (``console.store.migrate``).  ``clock`` gives aware times.
    """
    app = Flask("console.web")
    app.config.update(SECRET_KEY=session_key(config.state_directory), MAX_CONTENT_LENGTH=LONGEST_FORM_BYTES)
    app.config.update(WTF_CSRF_TIME_LIMIT=None)  # a token lives as long as its session, which ends by itself
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    sessions = session_factory(open_engine(config.store_url))
    app.extensions["xinglin"] = Console(config, sessions, clock, AuditLog(config.audit_directory, now=clock))
    visitor.recognise(app)
    security.protect(app)
    audit.install(app)
    snapshots.install(app, config)
    for module in (*PAGES, *OTHERS):
        app.register_blueprint(module.blueprint)
    app.teardown_request(context.close_store)
    app.jinja_env.filters.update(formats.FILTERS)
    app.jinja_env.globals.update(
        _=_,
        asset=context.asset,
        worded=words.worded,
        named=words.named,
        state_word=words.state_word,
        verdicts=Verdict,
        open_incidents=incidents.open_total,
        task_counts=runs.COUNTS,
        version=release(),
    )
    app.context_processor(page_values)
    return app


def page_values() -> dict[str, object]:
    """Return what every template may use."""
    chosen = context.theme()
    following = context.THEMES[(context.THEMES.index(chosen) + 1) % len(context.THEMES)]
    seen = [entry for entry in MENU if entry[1] != "audit" or audit.may_read(current_user)]
    return {
        "now": context.now(),
        "locale": {"tag": context.locale().replace("_", "-")},
        "sprite": context.asset("icons.svg"),
        "theme": chosen,
        "next_theme": following,
        "theme_hint": _(THEME_HINTS[following]),
        "facility_name": context.facility_name(),
        "zone_name": context.config().facility.timezone,
        "password_hint": _(
            "At least 10 characters, of three kinds: small letters, capitals, digits, others; not the user name."
        ),
        "menu": [
            {
                "key": key,
                "endpoint": f"{name}.show",
                "icon": name,
                "label": _(label),
                "current": name == WITHIN.get(request.blueprint or "", request.blueprint),
            }
            for key, name, label in seen
        ],
    }


THEME_HINTS = {
    "auto": N_("Colours: follow this device"),
    "light": N_("Colours: light"),
    "dark": N_("Colours: dark"),
}
