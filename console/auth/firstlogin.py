"""The first login: a secret printed on the appliance, good once, which sets the first account's password."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, update

from console.auth.access import Access
from console.auth.accounts import AccountError, account_count, create_account
from console.i18n import Text
from console.store.accounts import Account, OneTimeSecret, Role

PURPOSE = "first_login"
VALID = timedelta(hours=24)
# Without 0/O, 1/I/L: the secret is read from a screen and typed.
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
GROUPS, GROUP_LENGTH = 6, 5  # 30 characters of 31: 148 bits


class SecretRefusedError(Exception):
    """The secret is unknown, used or expired."""


def issue_secret(access: Access, actor: str) -> str | None:
    """Return a new secret, which replaces an older one; None when an account already exists.  The caller commits."""
    if account_count(access.session):
        return None
    text = "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    access.record(actor, "first_login.issued", "console", hours=int(VALID / timedelta(hours=1)))
    access.session.execute(delete(OneTimeSecret).where(OneTimeSecret.purpose == PURPOSE))
    access.session.add(
        OneTimeSecret(purpose=PURPOSE, secret_sha256=_hash(text), created_at=access.now, expires_at=access.now + VALID)
    )
    return text


def redeem_secret(access: Access, secret: str, username: str, password: str) -> Account:
    """Use the secret to make the first account, an administrator; the caller commits.

    Raises ``SecretRefusedError``; raises ``AccountError`` for a bad name or password, and then the caller rolls
    back, so that the secret stays good for a second try.
    """
    # Compare-and-set: of two who come at once, one wins.
    used = access.session.scalar(
        update(OneTimeSecret)
        .where(
            OneTimeSecret.secret_sha256 == _hash(secret),
            OneTimeSecret.purpose == PURPOSE,
            OneTimeSecret.used_at.is_(None),
            OneTimeSecret.expires_at > access.now,
        )
        .values(used_at=access.now)
        .returning(OneTimeSecret.id)
    )
    if used is None:
        access.record("-", "first_login.redeemed", "console", "failure")
        raise SecretRefusedError
    if account_count(access.session):
        raise AccountError(Text("The first account exists already. Log in with it."))
    account = create_account(access, username, password, Role.ADMINISTRATOR, actor="first_login")
    access.record(account.username, "first_login.redeemed", "console")
    return account


def _hash(secret: str) -> str:
    plain = "".join(one for one in secret.upper() if one in ALPHABET)
    return hashlib.sha256(plain.encode()).hexdigest()
