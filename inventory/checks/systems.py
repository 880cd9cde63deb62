"""The graded systems fit the facility's level."""

from collections.abc import Iterator

from inventory.draft import Draft
from inventory.mistakes import Mistake


def check_systems(draft: Draft) -> Iterator[Mistake]:
    """Yield systems graded above the facility, which has the level of its highest system."""
    facility = draft.variables.get("facility").get("mlps_level").value
    if not isinstance(facility, int):
        return
    for system in draft.section("mlps_systems"):
        level = system.get("level")
        if isinstance(level.value, int) and level.value > facility:
            problem = f"level {level.value} is above the facility's mlps_level {facility}"
            yield level.mistake(problem, f"{facility}; or facility.mlps_level: {level.value}")
