"""Read a JSON document key by key and collect every mistake instead of stopping at the first."""

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo


class ConfigError(Exception):
    """A configuration that cannot be used.  ``mistakes`` holds one line each."""

    def __init__(self, path: Path, mistakes: tuple[str, ...]) -> None:
        self.path = path
        self.mistakes = mistakes
        super().__init__("\n".join(f"{path}: {mistake}" for mistake in mistakes))


class Reader:
    """Typed access to one JSON object.  All readers of a document share one list of mistakes."""

    def __init__(self, document: object, place: str, mistakes: list[str] | None = None) -> None:
        self.mistakes: list[str] = [] if mistakes is None else mistakes
        self._place = place
        self._values: dict[str, object] = {}
        if isinstance(document, dict):
            self._values = document
        else:
            self.mistake("", f"is {type(document).__name__}", "a JSON object")

    def mistake(self, key: str, problem: str, allowed: str) -> None:
        """Note a mistake at ``key``."""
        place = f"{self._place}.{key}".strip(".") or "the document"
        self.mistakes.append(f"{place}: {problem}; allowed: {allowed}")

    def has(self, key: str) -> bool:
        """Return whether ``key`` is there and not null."""
        return self._values.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string."""
        value = self._values.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            self.mistake(key, "missing" if value is None else f"is {value!r}", "a string")
            return ""
        return value

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """Return one of a few words."""
        value = self.text(key)
        if value and value not in allowed:
            self.mistake(key, f"is {value!r}", ", ".join(allowed))
        return value

    def timezone(self, key: str) -> str:
        """Return the name of a time zone that this machine knows."""
        name = self.text(key)
        try:
            ZoneInfo(name or "UTC")
        except (OSError, ValueError, KeyError):
            self.mistake(key, f"unknown time zone {name!r}", "an IANA name such as Asia/Shanghai")
        return name

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """Return a number between ``low`` and ``high``."""
        value = self._values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.mistake(key, "missing" if value is None else f"is {value!r}", f"a number from {low} to {high}")
            return low
        if not low <= value <= high:
            self.mistake(key, f"is {value}", f"{low} to {high}")
            return low
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            self.mistake(key, f"is {value!r}", "true or false")
            return default
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings; a missing one is empty."""
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.mistake(key, f"is {value!r}", "a list of strings")
            return ()
        return tuple(value)

    def one_or_more(self, key: str) -> tuple[str, ...]:
        """Return a string, or a list of strings; a missing one is empty."""
        value = self._values.get(key)
        if value is None:
            return ()
        return (value,) if isinstance(value, str) else self.texts(key)

    def section(self, key: str) -> "Reader":
        """Return a reader of the object at ``key``."""
        return Reader(self._values.get(key), f"{self._place}.{key}".strip("."), self.mistakes)

    def items(self, key: str) -> "Iterator[Reader]":
        """Yield a reader for each object of the list at ``key``; a missing list is empty."""
        value = self._values.get(key, [])
        if not isinstance(value, list):
            self.mistake(key, f"is {value!r}", "a list of objects")
            return
        for index, item in enumerate(value):
            yield Reader(item, f"{self._place}.{key}[{index}]".strip("."), self.mistakes)
