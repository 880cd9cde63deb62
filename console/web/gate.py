"""The door: first login by the one-time secret, login, lock-out message, language and theme before login."""

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from console.auth.accounts import AccountError, Answer, Attempt, account_count, authenticate
from console.auth.firstlogin import SecretRefusedError, redeem_secret
from console.auth.sessions import start_session
from console.i18n import LOCALES
from console.store.models import Account
from console.web.context import LOCALE_COOKIE, THEME_COOKIE, THEMES, _, access, console, now, said
from console.web.visitor import Visitor, own_path

blueprint = Blueprint("gate", __name__)


def _enter(store: Session, account: Account) -> None:
    token = start_session(store, account, now(), request.remote_addr, request.user_agent.string)
    store.commit()
    session.clear()  # a fresh session: nothing that was there before login survives it
    login_user(Visitor.of(account, token))
    session["known"] = True


@blueprint.get("/login")
def login() -> str | Response:
    """Show the login form, or the first login while there is no account."""
    with console().sessions() as store:
        if account_count(store) == 0:
            return redirect(url_for("gate.first_login"))
    return render_template("login.html", wanted=request.args.get("next", ""), username="", problem=None)


@blueprint.post("/login")
def check() -> tuple[str, int] | Response:
    """Check name and password."""
    username = request.form.get("username", "")
    with console().sessions() as store:
        attempt = authenticate(access(store), username, request.form.get("password", ""))
        if attempt.answer is Answer.WELCOME and attempt.account is not None:
            _enter(store, attempt.account)
            return redirect(own_path(request.form.get("next")))
        store.commit()
    page = render_template(
        "login.html", wanted=request.form.get("next", ""), username=username, problem=_refusal(attempt)
    )
    return page, 403


def _refusal(attempt: Attempt) -> str:
    if attempt.answer is Answer.LOCKED and attempt.locked_until is not None:
        minutes = max(1, -int(-(attempt.locked_until - now()).total_seconds() // 60))
        return _("Too many failed logins. This account is locked for another {minutes} min.", minutes=minutes)
    return _("The name or the password is wrong. After five failures the account is locked for a while.")


@blueprint.get("/first-login")
def first_login() -> str | Response:
    """Show the form that makes the first account."""
    with console().sessions() as store:
        if account_count(store):
            return redirect(url_for("gate.login"))
    return render_template("first_login.html", username="", secret="", problems=[])


@blueprint.post("/first-login")
def redeem() -> tuple[str, int] | Response:
    """Use the one-time secret: the first account, an administrator, with a password of the person's own."""
    form = request.form
    username, secret, password = form.get("username", ""), form.get("secret", ""), form.get("password", "")
    problems: list[str] = []
    if password != form.get("again", ""):
        problems.append(_("The two passwords differ."))
    else:
        with console().sessions() as store:
            try:
                account = redeem_secret(access(store), secret, username, password)
                _enter(store, account)
            except SecretRefusedError:
                store.rollback()
                problems.append(
                    _("The one-time secret is wrong, used or expired. Get a new one: xinglin console first-login")
                )
            except AccountError as error:
                store.rollback()
                problems += [said(fault) for fault in error.faults]
    if not problems:
        flash(_("Welcome. The first account was made; the one-time secret is used up."), "ok")
        return redirect(url_for("overview.show"))
    page = render_template("first_login.html", username=username, secret=secret, problems=problems)
    return page, 422


@blueprint.post("/preferences")
def preferences() -> Response:
    """Keep the language and the theme in this browser, and the language in the account of who is logged in."""
    answer = redirect(own_path(request.form.get("back")))
    locale, theme = request.form.get("locale"), request.form.get("theme")
    year = 365 * 86400
    if locale in LOCALES:
        answer.set_cookie(LOCALE_COOKIE, locale, max_age=year, secure=True, httponly=True, samesite="Lax")
        if current_user.is_authenticated:
            _remember(locale)
    if theme in THEMES:
        answer.set_cookie(THEME_COOKIE, theme, max_age=year, secure=True, httponly=True, samesite="Lax")
    return answer


def _remember(locale: str) -> None:
    with console().sessions() as store:
        account = store.scalars(select(Account).where(Account.username == current_user.username)).one()
        if account.locale != locale:
            access(store).record(account.username, "account.locale_changed", account.username, locale=locale)
            account.locale = locale
            store.commit()
