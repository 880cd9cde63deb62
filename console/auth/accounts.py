"""Log in, lock out, change passwords.  Every event goes into the audit log before its effect is committed."""

import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from console.auth.access import Access
from console.auth.passwords import hash_password, needs_rehash, password_faults, password_matches
from console.auth.sessions import end_sessions
from console.i18n import Text
from console.store.accounts import Account, Role

logger = logging.getLogger(__name__)

FAILURES_BEFORE_LOCK = 5
LOCK_TIME = timedelta(minutes=15)
USERNAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")


class Answer(StrEnum):
    """How a login attempt ended.  A page shows WRONG for an unknown, a disabled and a known account alike."""

    WELCOME = "welcome"
    WRONG = "wrong"
    LOCKED = "locked"


@dataclass(frozen=True)
class Attempt:
    """The result of a login attempt; ``account`` only with WELCOME, ``locked_until`` only with LOCKED."""

    answer: Answer
    account: Account | None = None
    locked_until: datetime | None = None


class AccountError(Exception):
    """An account that cannot be made or changed like this; ``faults`` says why, each for people."""

    def __init__(self, *faults: Text) -> None:
        self.faults = faults
        super().__init__(" ".join(str(fault) for fault in faults))


def account_count(session: Session) -> int:
    """Return how many accounts there are."""
    return session.scalar(select(func.count()).select_from(Account)) or 0


def authenticate(access: Access, username: str, password: str) -> Attempt:
    """Check a name and a password, count failures and lock after the fifth for ``LOCK_TIME``.

    The caller commits.  An unknown name costs as much time as a wrong password.
    """
    name = username.strip().lower()
    account = access.session.scalar(select(Account).where(Account.username == name))
    if account is None or account.disabled_at is not None:
        password_matches(password, _nobody())
        # The name typed may be a password in the wrong field, so an unknown one is not recorded.
        access.record("-" if account is None else name, "login", "console", "failure")
        return Attempt(Answer.WRONG)
    if account.locked_until is not None and account.locked_until > access.now:
        password_matches(password, _nobody())
        access.record(name, "login", "console", "locked")
        return Attempt(Answer.LOCKED, locked_until=account.locked_until)
    if not password_matches(password, account.password_hash):
        return _failed(access, account)
    access.record(name, "login", "console")
    account.failed_count = 0
    account.locked_until = None
    account.last_login_at = access.now
    if needs_rehash(account.password_hash):
        account.password_hash = hash_password(password)
    return Attempt(Answer.WELCOME, account=account)


def _failed(access: Access, account: Account) -> Attempt:
    # The database counts, so that parallel guesses cannot share one count; a lock that ran out starts afresh.
    start = 0 if account.locked_until is not None else Account.failed_count
    count = access.session.scalar(
        update(Account)
        .where(Account.id == account.id)
        .values(failed_count=start + 1, locked_until=None)
        .returning(Account.failed_count)
    )
    access.session.refresh(account)
    access.record(account.username, "login", "console", "failure")
    if (count or 0) < FAILURES_BEFORE_LOCK:
        return Attempt(Answer.WRONG)
    account.locked_until = access.now + LOCK_TIME
    account.failed_count = 0
    minutes = int(LOCK_TIME.total_seconds() // 60)
    access.record("system", "account.locked", account.username, minutes=minutes)
    logger.warning("account %s is locked for %d minutes", account.username, minutes)
    return Attempt(Answer.LOCKED, locked_until=account.locked_until)


@cache
def _nobody() -> str:
    return hash_password("nobody has this password")


def create_account(access: Access, username: str, password: str, role: Role, actor: str) -> Account:
    """Add an account; the caller commits.  Raises ``AccountError`` with every fault."""
    name = username.strip().lower()
    faults = password_faults(password, name)
    if not USERNAME.fullmatch(name):
        faults.insert(0, Text("A name has 2 to 32 of: a-z, 0-9, dot, underscore, hyphen; it begins with a letter."))
    elif access.session.scalar(select(Account.id).where(Account.username == name)) is not None:
        faults.insert(0, Text("There already is an account {name}.", {"name": name}))
    if faults:
        raise AccountError(*faults)
    account = Account(
        username=name,
        password_hash=hash_password(password),
        role=role,
        created_at=access.now,
        password_changed_at=access.now,
    )
    access.record(actor, "account.created", name, role=role.value)
    access.session.add(account)
    access.session.flush()
    return account


def change_password(access: Access, account: Account, old: str, new: str) -> None:
    """Set a new password and end every session of the account; the caller commits.

    Raises ``AccountError`` when the old one is wrong (which counts as a failed login; that count is committed here)
    or the new one breaks a rule.
    """
    if not password_matches(old, account.password_hash):
        _failed(access, account)
        access.session.commit()
        raise AccountError(Text("The current password is wrong."))
    faults = password_faults(new, account.username)
    if password_matches(new, account.password_hash):
        faults.append(Text("The new password must differ from the current one."))
    if faults:
        raise AccountError(*faults)
    access.record(account.username, "account.password_changed", account.username)
    account.password_hash = hash_password(new)
    account.password_changed_at = access.now
    account.must_change = False
    end_sessions(access.session, account)
