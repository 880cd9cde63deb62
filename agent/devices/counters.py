"""Counters that only grow, made from a device's own, which wrap, are cleared and start again.

Prometheus takes any fall for a restart and counts the new value as growth: a 32-bit counter that wraps, or one that
falls by a little, would show as a burst of traffic that never was.
"""

from dataclasses import dataclass

WRAP = 2**32
CACHE_SECONDS = 30
"""Switches count into a copy that SNMP sees up to this much later, so growth may belong to a little more time."""

UNKNOWN_SPEED_BYTES = 12.5e9
"""What an interface of unknown speed may move in a second (100 Gbit/s)."""


@dataclass(frozen=True)
class Sample:
    """A counter as the device shows it.  ``per_second`` bounds its growth, None if nothing is known of that."""

    raw: int
    bits: int  # 32 or 64
    per_second: float | None = None
    restarted: bool = False  # the device, or by ifCounterDiscontinuityTime this counter, has started again
    from_zero: bool = False  # begin at 0, not at the device's value: for counters that have wrapped unknown times


@dataclass
class _State:
    raw: int
    total: int
    at: float


class Counters:
    """The state between polls of one device's counters, by any key that outlives a restart of the device."""

    def __init__(self) -> None:
        self._states: dict[object, _State] = {}

    def total(self, key: object, sample: Sample, now: float) -> int:
        """Return the counter's total at ``now`` (seconds of a clock that nobody sets).

        It falls only where the device has started again.  Growth that the interface cannot have had counts as none.
        """
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = _State(sample.raw, 0 if sample.from_zero else sample.raw, now)
            return state.total
        grown = _growth(state.raw, sample, now - state.at)
        state.total = sample.raw if grown is None else state.total + grown
        state.raw, state.at = sample.raw, now
        return state.total

    def forget(self, keep: set[object]) -> None:
        """Drop the state of everything else: interfaces that are gone."""
        self._states = {key: state for key, state in self._states.items() if key in keep}


def _growth(before: int, sample: Sample, elapsed: float) -> int | None:
    """Return by how much the counter has grown; None where it began again with the device."""
    grown = sample.raw - before
    if grown >= 0:
        return grown if _plausible(grown, sample, elapsed) else 0
    if sample.restarted:
        return None
    if sample.bits == 32 and _plausible(grown + WRAP, sample, elapsed):
        return grown + WRAP
    return sample.raw if _plausible(sample.raw, sample, elapsed) else 0  # cleared by hand, or nonsense


def _plausible(grown: int, sample: Sample, elapsed: float) -> bool:
    if sample.per_second is None and sample.bits == 32:
        return grown < WRAP // 2
    return grown <= (sample.per_second or UNKNOWN_SPEED_BYTES) * (elapsed + CACHE_SECONDS)
