"""Records as JSON and back: frozen dataclasses, read by their own type hints.

In Python a time is an aware UTC ``datetime``; in JSON it is RFC 3339 with ``Z``.
"""

import dataclasses
import types
import typing
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")


def format_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC with ``Z`` and milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Parse an RFC 3339 time; raises ValueError when it has no zone or is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time without zone: {text}")
    return moment.astimezone(UTC)


def to_json(record: object) -> dict[str, Any]:
    """Return a record as plain JSON values."""
    return {name: _plain(value) for name, value in vars(record).items()}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return to_json(value)
    return value


def from_json(kind: type[T], data: object) -> T:
    """Build a record from ``to_json``'s form; raises ValueError for anything else, naming the field."""
    if not isinstance(data, dict):
        raise ValueError(f"not a {kind.__name__}")  # noqa: TRY004 - one error for whatever is wrong with a file
    hints = typing.get_type_hints(kind)
    if unknown := set(data) - set(hints):
        raise ValueError(f"not a {kind.__name__}: unknown field {min(unknown)}")
    values = {}
    for name, value in data.items():
        try:
            values[name] = _typed(hints[name], value)
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"not a {kind.__name__}: {name}: {error}") from error
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error


def _typed(hint: Any, value: Any) -> Any:  # noqa: ANN401, PLR0911 - a type hint is a value of any kind
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        return None if value is None else _typed(inner[0], value)
    if origin is tuple:
        # A fixed pair has a type a place; an endless tuple has one type and an ellipsis.
        places = inner[:-1] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_typed(place, item) for place, item in zip(places, value, strict=True))
    if origin is dict:
        return {str(key): _typed(inner[1], item) for key, item in value.items()}
    if hint is datetime:
        return parse_time(value)
    if dataclasses.is_dataclass(hint):
        return from_json(typing.cast("type[Any]", hint), value)
    if issubclass(hint, Enum):
        return hint(value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise TypeError(f"{type(value).__name__} instead of {hint.__name__}")
    return value
