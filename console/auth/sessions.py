"""Logged-in browsers: a random token in the cookie, its hash in the store, an idle and an absolute end."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from console.store.accounts import Account, LoginSession

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=12)
# Seen times are written at most this often: a page view must not always be a write.
SEEN_STEP = timedelta(minutes=1)


def start_session(
    session: Session, account: Account, now: datetime, address: str | None = None, user_agent: str | None = None
) -> str:
    """Add a login session and return its token for the cookie; the caller commits."""
    token = secrets.token_urlsafe(32)
    session.add(
        LoginSession(
            token_sha256=_hash(token),
            account_id=account.id,
            created_at=now,
            last_seen_at=now,
            expires_at=now + LONGEST,
            address=address,
            user_agent=(user_agent or "")[:200] or None,
        )
    )
    return token


def session_account(session: Session, token: str, now: datetime) -> Account | None:
    """Return whose live session ``token`` is and note that it was seen; None when it ended.  The caller commits."""
    row = session.get(LoginSession, _hash(token))
    if row is None or now >= row.expires_at or now - row.last_seen_at >= IDLE:
        return None
    account = session.get(Account, row.account_id)
    if account is None or account.disabled_at is not None:
        return None
    if now - row.last_seen_at >= SEEN_STEP:
        row.last_seen_at = now
    return account


def end_session(session: Session, token: str) -> None:
    """End one session (log out); the caller commits."""
    session.execute(delete(LoginSession).where(LoginSession.token_sha256 == _hash(token)))


def end_sessions(session: Session, account: Account) -> None:
    """End every session of an account; the caller commits."""
    session.execute(delete(LoginSession).where(LoginSession.account_id == account.id))


def live_sessions(session: Session, account: Account, now: datetime) -> list[LoginSession]:
    """Return an account's live sessions, newest first."""
    query = (
        select(LoginSession)
        .where(
            LoginSession.account_id == account.id,
            LoginSession.expires_at > now,
            LoginSession.last_seen_at > now - IDLE,
        )
        .order_by(LoginSession.created_at.desc())
    )
    return list(session.scalars(query))


def remove_ended(session: Session, now: datetime) -> None:
    """Delete sessions that are over; the caller commits."""
    session.execute(
        delete(LoginSession).where((LoginSession.expires_at <= now) | (LoginSession.last_seen_at <= now - IDLE))
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
