"""Reads configuration values: every mistake at once, each with its key, what is wrong and what is allowed."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from backup.errors import BackupError
from backup.repositories.classify import redact

T = TypeVar("T")


class Reader:
    """Collects mistakes as ``key: what is wrong, what is allowed``; a method that noted one may return rubbish."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def mapping(self, data: object, where: str, required: set[str], optional: set[str]) -> Mapping[str, Any] | None:
        """Return ``data`` when it is an object with all ``required`` keys; unknown keys are noted."""
        if not isinstance(data, dict):
            self.mistakes.append(f"{where}: an object with the keys {', '.join(sorted(required))} is needed")
            return None
        for key in sorted(required - set(data)):
            self.mistakes.append(f"{where}.{key}: missing")
        for key in sorted(set(data) - required - optional):
            self.mistakes.append(f"{where}.{key}: unknown; allowed: {', '.join(sorted(required | optional))}")
        return None if required - set(data) else data

    def value(self, data: Mapping[str, Any], key: str, where: str, parse: Callable[[Any], T], allowed: str) -> T:
        """Return ``parse(data[key])``; ``allowed`` says what it takes."""
        try:
            return parse(data[key])
        except (ValueError, TypeError, KeyError, OSError):
            shown = redact(json.dumps(data.get(key), ensure_ascii=False))
            self.mistakes.append(f"{where}.{key}: {shown}; allowed: {allowed}")
            return cast("T", None)


def read_file(path: Path, reader: Reader, read: Callable[[object], T | None]) -> T:
    """Return what ``read`` makes of the JSON file.

    Raises BackupError ``configuration_wrong``, whose detail lists every mistake that ``reader`` noted.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BackupError("configuration_wrong", str(path), error.strerror or str(error)) from error
    except ValueError as error:
        raise BackupError("configuration_wrong", str(path), f"not JSON: {error}") from error
    found = read(data)
    if reader.mistakes or found is None:
        raise BackupError("configuration_wrong", str(path), "; ".join(reader.mistakes))
    return found


def a_list(value: object) -> list[Any]:
    """A list with at least one item."""
    if not isinstance(value, list) or not value:
        raise ValueError(value)
    return value


def a_name(value: object) -> str:
    """A name of letters, digits, ``_``, ``.`` and ``-``."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", value):
        raise ValueError(value)
    return value


def a_path(value: object) -> Path:
    """An absolute path."""
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError(value)
    return Path(value)


def a_url(value: object) -> str:
    """``rest:https://HOST:PORT/NAME/`` without credentials."""
    if not isinstance(value, str) or not re.fullmatch(r"rest:https://[^/@\s]+/[^/@\s]+/", value):
        raise ValueError(value)
    return value


def a_time_of_day(value: object) -> str:
    """``HH:MM``."""
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError(value)
    return value


def a_positive_number(value: object) -> float:
    """A number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(value)
    return float(value)


def a_zone(value: object) -> str:
    """The form of an IANA time zone."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)*", value):
        raise ValueError(value)
    return value


def a_truth(value: object) -> bool:
    """``true`` or ``false``."""
    if not isinstance(value, bool):
        raise TypeError(value)
    return value
