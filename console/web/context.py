"""What a page needs of its request: the store, the time, the language, the people's words."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from flask import current_app, g, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session, sessionmaker

from console.audit.log import AuditLog
from console.auth.access import Access
from console.config import ConsoleConfig
from console.i18n import LOCALES, Text, best_locale, translate

LOCALE_COOKIE = "__Host-xinglin-locale"
THEME_COOKIE = "__Host-xinglin-theme"
THEMES = ("auto", "light", "dark")
STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True)
class Console:
    """What the application was made from; one for each app, at ``app.extensions["xinglin"]``."""

    config: ConsoleConfig
    sessions: sessionmaker[Session]
    clock: Callable[[], datetime]
    audit: AuditLog


def console() -> Console:
    """Return the running application's :class:`Console`."""
    return cast("Console", current_app.extensions["xinglin"])


def config() -> ConsoleConfig:
    """Return the console's configuration."""
    return console().config


def audit() -> AuditLog:
    """Return the audit log; every action that changes something goes there first."""
    return console().audit


def access(session: Session) -> Access:
    """Return what the accounts' functions need of this request; the caller commits ``session``."""
    return Access(session, audit(), now(), request.remote_addr or "-")


def store() -> Session:
    """Return this request's session for reading; it is closed with the request."""
    if "store" not in g:
        g.store = console().sessions()
    return cast("Session", g.store)


def close_store(_error: BaseException | None = None) -> None:
    """Close the session of :func:`store`, when there is one."""
    session = g.pop("store", None)
    if session is not None:
        session.close()


def now() -> datetime:
    """Return the time of this request (UTC), the same for the whole page."""
    if "now" not in g:
        g.now = console().clock().astimezone(UTC)
    return cast("datetime", g.now)


def zone() -> ZoneInfo:
    """Return the facility's time zone, in which every page shows its times."""
    return config().facility.zone


def locale() -> str:
    """Return the language of this page: the account's, else the browser's choice here, else the facility's."""
    if "locale" not in g:
        wanted = getattr(current_user, "locale", None) or request.cookies.get(LOCALE_COOKIE)
        g.locale = wanted if wanted in LOCALES else best_locale(config().facility.locale)
    return cast("str", g.locale)


def theme() -> str:
    """Return ``auto``, ``light`` or ``dark``."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def _(msgid: str, /, **values: object) -> str:
    """Return ``msgid`` in the page's language, its ``{placeholders}`` filled."""
    return translate(locale(), msgid, values)


def said(text: Text) -> str:
    """Return a text of the core in the page's language."""
    return text.translate(locale())


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """Return the address of a static file, with a digest, so that browsers may keep it."""
    return url_for("static", filename=name, v=_digest(name))


def facility_name() -> str:
    """Return the facility's name in the page's language."""
    facility = config().facility
    return facility.name_zh if locale() == "zh_CN" else facility.name_en
