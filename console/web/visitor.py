"""Who is looking at the page: Flask-Login over the store's login sessions."""

from dataclasses import dataclass
from datetime import datetime

from flask import Flask, flash, redirect, request, session, url_for
from flask_login import LoginManager, current_user
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from console.auth.sessions import session_account
from console.store.models import Account
from console.web.context import _, console, now

COOKIE = "__Host-xinglin"
# A page that refreshes itself must not keep an abandoned browser logged in.
BACKGROUND = "X-Xinglin-Background"
PUBLIC_BLUEPRINTS = {"files", "health", "gate"}


@dataclass(frozen=True)
class Visitor:
    """A logged-in person; ``token`` is the session's and never shown."""

    token: str
    username: str
    role: str
    locale: str | None
    must_change: bool
    last_login_at: datetime | None
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """Return what Flask-Login keeps in the signed cookie: the session's token."""
        return self.token

    @classmethod
    def of(cls, account: Account, token: str) -> "Visitor":
        """Return the visitor of an account's session."""
        return cls(token, account.username, account.role, account.locale, account.must_change, account.last_login_at)


def load(token: str) -> Visitor | None:
    """Return whose session this is; None when it has ended."""
    with console().sessions() as store:
        account = session_account(store, token, now())
        if account is None:
            return None
        if BACKGROUND not in request.headers:
            try:
                store.commit()
            except StaleDataError:  # another tab has logged out since the line above
                return None
        return Visitor.of(account, token)


def to_login() -> Response:
    """Send a stranger to the login page and remember where he wanted to go."""
    wanted = request.full_path if request.method == "GET" and BACKGROUND not in request.headers else None
    if session.pop("known", None):
        flash(_("You were logged out because nothing happened for a while. Log in again."), "warn")
    return redirect(url_for("gate.login", next=wanted if wanted != "/?" else None))


def only_known_people() -> Response | None:
    """Refuse every page but the public ones to strangers, and every other page to who must change a password."""
    if request.blueprint in PUBLIC_BLUEPRINTS or request.endpoint == "static":
        return None
    if not current_user.is_authenticated:
        return to_login()
    if current_user.must_change and request.blueprint != "account":
        return redirect(url_for("account.password"))
    return None


def own_path(wanted: str | None) -> str:
    """Return ``wanted`` when it is a path of this console, else the overview: never redirect to another site."""
    if wanted and wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable():
        return wanted
    return url_for("overview.show")


def recognise(app: Flask) -> None:
    """Switch on sessions and the rule that every page needs a login unless it is named public."""
    app.config.update(
        SESSION_COOKIE_NAME=COOKIE,
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )
    manager = LoginManager(app)
    manager.session_protection = "strong"
    manager.user_loader(load)
    app.before_request(only_known_people)
