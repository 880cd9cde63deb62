"""A person's own account: change the password, log out."""

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_login import current_user, logout_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from console.auth.accounts import AccountError, change_password
from console.auth.sessions import end_session
from console.store.models import Account
from console.web.context import _, access, console, said

blueprint = Blueprint("account", __name__)


def own_account(store: Session) -> Account:
    """Return the logged-in person's account in ``store``."""
    return store.scalars(select(Account).where(Account.username == current_user.username)).one()


def _leave() -> None:
    logout_user()
    session.clear()


@blueprint.post("/logout")
def logout() -> Response:
    """End this session."""
    with console().sessions() as store:
        access(store).record(current_user.username, "logout", "console")
        end_session(store, current_user.token)
        store.commit()
    _leave()
    flash(_("You are logged out."), "ok")
    return redirect(url_for("gate.login"))


@blueprint.get("/password")
def password() -> str:
    """Show the form for a new password."""
    return render_template("password.html", problems=[])


@blueprint.post("/password")
def change() -> tuple[str, int] | Response:
    """Set a new password and end every session of the account."""
    new = request.form.get("password", "")
    problems = [] if new == request.form.get("again", "") else [_("The two passwords differ.")]
    if not problems:
        with console().sessions() as store:
            try:
                change_password(access(store), own_account(store), request.form.get("old", ""), new)
                store.commit()
            except AccountError as error:
                store.rollback()
                problems = [said(fault) for fault in error.faults]
    if problems:
        return render_template("password.html", problems=problems), 422
    _leave()
    flash(_("The password was changed. Log in with the new one."), "ok")
    return redirect(url_for("gate.login"))
