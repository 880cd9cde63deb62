"""A device's uptime across polls: a restart told apart from sysUpTime's wrap after 497 days."""

WRAP_TICKS = 2**32
SLACK_TICKS = 12_000
"""Two minutes: how far a device's clock and ours may drift apart between two polls and the wrap still be seen."""


class UptimeClock:
    """TimeTicks (hundredths of a second, 32 bits) of one device, followed from poll to poll."""

    def __init__(self) -> None:
        self._ticks: int | None = None
        self._at = 0.0
        self._wraps = 0

    def follow(self, ticks: int | None, now: float) -> bool:
        """Take the newest value (None: the device has none) at ``now``; return whether the device has restarted."""
        before, at = self._ticks, self._at
        self._ticks, self._at = ticks, now
        if ticks is None or before is None or ticks >= before:
            return False
        expected = before + (now - at) * 100
        if abs(ticks + WRAP_TICKS - expected) <= SLACK_TICKS:
            self._wraps += 1
            return False
        self._wraps = 0
        return True

    @property
    def seconds(self) -> float | None:
        """The uptime; wraps count as far as they were seen."""
        return None if self._ticks is None else (self._ticks + self._wraps * WRAP_TICKS) / 100
