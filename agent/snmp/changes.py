"""What changed on a polled device between two polls, in the words of the event journal."""

from typing import Any

from agent.devices.reading import DeviceReading
from agent.polling import Standing, Trouble
from agent.ups.changes import flag_events
from agent.ups.reading import Flag, UpsReading


class Changes:
    """Remembers of one device what a failed poll between does not change: flags, interfaces."""

    def __init__(self) -> None:
        self._trouble: Trouble | None = Trouble.NOT_STARTED
        self._flags: frozenset[Flag] = frozenset()
        self._up: dict[str, bool] = {}

    def events(self, standing: Standing[Any]) -> list[tuple[str, str]]:
        """Return code and detail of each change since the standing before, the most urgent first."""
        before, self._trouble = self._trouble, standing.trouble
        if standing.trouble is not None:
            healthy = before in {None, Trouble.NOT_STARTED}
            return [("unreachable", f"{standing.trouble}: {standing.detail}")] if healthy else []
        found = self._of_reading(standing.reading)
        return found if before in {None, Trouble.NOT_STARTED} else [*found, ("reachable", "")]

    def _of_reading(self, reading: object) -> list[tuple[str, str]]:
        if isinstance(reading, UpsReading):
            known, self._flags = self._flags, reading.flags
            words = " ".join(sorted(flag.value for flag in reading.flags))
            return [(code, words) for code in flag_events(known, reading.flags)]
        if isinstance(reading, DeviceReading):
            return self._of_interfaces(reading)
        return []

    def _of_interfaces(self, reading: DeviceReading) -> list[tuple[str, str]]:
        """A port that is down from the beginning is no news, nor is one that somebody switched off."""
        known = self._up
        self._up = {
            port.name: port.up for port in reading.interfaces if port.up is not None and port.enabled is not False
        }
        changed = [(name, up) for name, up in self._up.items() if known.get(name, up) != up]
        return [("link_up" if up else "link_down", name) for name, up in changed]
