"""Column types and the declarative base that every table shares."""

import json
import zlib
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, LargeBinary, MetaData
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

JsonObject = dict[str, Any]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware point in time, kept in UTC.  A naive value is a mistake of the caller and raises ``ValueError``."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware time of any zone into UTC; SQLite keeps it without its zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; the store keeps UTC only")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 — the signature is SQLAlchemy's
        """Give the time back aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PackedJson(TypeDecorator[JsonObject]):
    """A JSON object, compressed.  A host's facts are ≈ 100 kB of text and shrink to a tenth."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: JsonObject | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        """Pack the object."""
        if value is None:
            return None
        return zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> JsonObject | None:  # noqa: ARG002
        """Unpack the object."""
        if value is None:
            return None
        unpacked: JsonObject = json.loads(zlib.decompress(value))
        return unpacked


class Base(DeclarativeBase):
    """Base of every table.  Constraint names are fixed, so that a migration can address them on any database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 — SQLAlchemy reads it as a plain class attribute
        datetime: UtcDateTime,
        JsonObject: JSON,
        list[JsonObject]: JSON,
        list[str]: JSON,
    }
