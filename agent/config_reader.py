"""Takes typed values out of a JSON object and collects every mistake, each with its place."""

import ipaddress
from collections.abc import Iterable, Iterator


class ConfigReader:
    """Reads one object; ``place`` ("" at the top, "snmp.devices[2]." below) stands before each mistake's key."""

    def __init__(self, data: dict[str, object], mistakes: list[str] | None = None, place: str = "") -> None:
        self.data = data
        self.mistakes: list[str] = [] if mistakes is None else mistakes
        self.place = place

    def mistake(self, key: str, text: str) -> None:
        """Note a mistake of ``key``."""
        self.mistakes.append(f"{self.place}{key}: {text}")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty."""
        value = self.data.get(key, default)
        if isinstance(value, str) and value:
            return value
        self.mistake(key, "must be a text that is not empty")
        return ""

    def choice(self, key: str, allowed: Iterable[str]) -> str:
        """Return one of ``allowed``."""
        value, words = self.data.get(key), tuple(allowed)
        if isinstance(value, str) and value in words:
            return value
        self.mistake(key, f"must be one of {', '.join(words)}")
        return words[0]

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """Return a list of texts without doubles."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.mistake(key, "must be a list of texts")
            return ()
        if required and not value:
            self.mistake(key, "must name at least one")
        return tuple(dict.fromkeys(value))

    def address(self, key: str, what: str = "an IP address of this host") -> str:
        """Return an IP address in its short form."""
        value = self.data.get(key)
        try:
            return str(ipaddress.ip_address(value if isinstance(value, str) else ""))
        except ValueError:
            self.mistake(key, f"must be {what}")
            return ""

    def port(self, key: str, default: int, *, lowest: int = 0) -> int:
        """Return a port; 0 lets the system choose one."""
        value = self.data.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= 65535:
            return value
        self.mistake(key, f"must be a number from {lowest or '0 (any free port)'} to 65535")
        return default

    def seconds(self, key: str, default: float, lowest: float, highest: float) -> float:
        """Return a duration between two bounds."""
        value = self.data.get(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        self.mistake(key, f"must be a number of seconds from {lowest:g} to {highest:g}")
        return default

    def inner(self, key: str) -> "ConfigReader | None":
        """Return a reader of the object at ``key``; None where there is none."""
        value = self.data.get(key)
        if isinstance(value, dict):
            return ConfigReader(value, self.mistakes, f"{self.place}{key}.")
        if key in self.data:
            self.mistake(key, "must be an object")
        return None

    def items(self, key: str) -> Iterator["ConfigReader"]:
        """Yield a reader of each object in the list at ``key``."""
        value = self.data.get(key, [])
        if not isinstance(value, list):
            self.mistake(key, "must be a list of objects")
            return
        for number, item in enumerate(value):
            if isinstance(item, dict):
                yield ConfigReader(item, self.mistakes, f"{self.place}{key}[{number}].")
            else:
                self.mistake(f"{key}[{number}]", "must be an object")

    def refuse_unknown(self, keys: Iterable[str]) -> None:
        """Note every key that means nothing."""
        allowed = tuple(keys)
        unknown = sorted(set(self.data) - set(allowed))
        if unknown:
            self.mistakes.append(f"{self.place}unknown keys {', '.join(unknown)} (allowed: {', '.join(allowed)})")
