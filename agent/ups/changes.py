"""What changed on a UPS between two readings, in the words of the event journal."""

from agent.ups.reading import Flag

CHANGES: tuple[tuple[Flag, str, str | None], ...] = (
    (Flag.ON_BATTERY, "on_battery", "mains_back"),
    (Flag.LOW_BATTERY, "low_battery", None),
    (Flag.FORCED_SHUTDOWN, "forced_shutdown", None),
    (Flag.REPLACE_BATTERY, "replace_battery", None),
    (Flag.OVERLOAD, "overload", None),
    (Flag.COMMUNICATION_LOST, "communication_lost", "communication_back"),
)
"""Flag → the event when it appears, and when it goes."""


def flag_events(before: frozenset[Flag], after: frozenset[Flag]) -> tuple[str, ...]:
    """Return the codes of what changed, the most urgent first.

    ``before`` is empty for the first reading: what is wrong from the beginning is an event, too.
    """
    came = [code for flag, code, _ in CHANGES if flag in after - before]
    went = [code for flag, _, code in CHANGES if code and flag in before - after]
    return (*came, *went)
