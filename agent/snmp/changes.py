"""What changed on a polled device between two polls, in the words of the event journal."""

from typing import Any

from agent.devices.changes import changes
from agent.devices.reading import DeviceReading
from agent.polling import Standing, Trouble
from agent.ups.changes import flag_events
from agent.ups.reading import UpsReading


class Changes:
    """Remembers of one device the last reading, which outlives a failed poll."""

    def __init__(self) -> None:
        self._trouble: Trouble | None = Trouble.NOT_STARTED
        self._reading: object = None

    def events(self, standing: Standing[Any]) -> list[tuple[str, str]]:
        """Return code and detail of each change since the standing before, the most urgent first."""
        before, self._trouble = self._trouble, standing.trouble
        if standing.trouble is not None:
            healthy = before in {None, Trouble.NOT_STARTED}
            return [("unreachable", f"{standing.trouble}: {standing.detail}")] if healthy else []
        found = self._of_reading(standing.reading)
        return found if before in {None, Trouble.NOT_STARTED} else [*found, ("reachable", "")]

    def _of_reading(self, reading: object) -> list[tuple[str, str]]:
        before, self._reading = self._reading, reading
        if isinstance(reading, UpsReading):
            known = before.flags if isinstance(before, UpsReading) else frozenset()
            words = " ".join(sorted(flag.value for flag in reading.flags))
            return [(code, words) for code in flag_events(known, reading.flags)]
        if isinstance(reading, DeviceReading) and isinstance(before, DeviceReading):
            return list(changes(before, reading))
        return []
