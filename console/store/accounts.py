"""People who may log in, their sessions, and the secret of the first login."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from console.store.base import Base


class Role(StrEnum):
    """The separated roles of GB/T 22239-2019 8.1.5, and the ops team's own."""

    ADMINISTRATOR = "administrator"  # 系统管理员
    SECURITY = "security"  # 安全管理员
    AUDITOR = "auditor"  # 审计管理员: reads and exports the audit log
    OPERATOR = "operator"  # 运维


class Account(Base):
    """A person's account.  ``password_hash`` is an Argon2id PHC string."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(Text, unique=True)  # lower case
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    locale: Mapped[str | None] = mapped_column(Text)  # None: the facility's
    failed_count: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    must_change: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    password_changed_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class OneTimeSecret(Base):
    """A secret that works once, kept as a SHA-256 (it has 160 random bits, so no slow hash is needed)."""

    __tablename__ = "one_time_secret"

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(Text)
    secret_sha256: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LoginSession(Base):
    """A logged-in browser.  The cookie holds the token, the store its SHA-256."""

    __tablename__ = "login_session"
    __table_args__ = (Index(None, "account_id"), Index(None, "expires_at"))

    token_sha256: Mapped[str] = mapped_column(Text, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    address: Mapped[str | None] = mapped_column(Text)
    user_agent: Mapped[str | None] = mapped_column(Text)
