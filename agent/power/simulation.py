"""The simulated battery of a lab drill: what a dummy UPS is made to say, second by second."""

from dataclasses import dataclass

from agent.power.hosts import stage_done
from agent.power.plan import Ups
from agent.power.records import Phase, PowerRecord
from agent.power.state import Now
from agent.ups.reading import UpsReading

ON_BATTERY, LOW, ON_MAINS = "OB DISCHRG", "OB DISCHRG LB", "OL CHRG"
LOW_RATIO = 0.05
SPARE_SECONDS = 60.0
DRAINED_SECONDS, IDLE_DRAINED_SECONDS = 1.0, 15.0
"""Of the battery, each turn; the second while nobody is on the way down and the next stage only waits for its time."""
CHARGING_RATIO = 0.05
"""Of the battery, each second: nobody waits hours for the end of a lab drill."""


def lasts_seconds(ups: Ups, least_seconds: float, runtime_low_seconds: float) -> float:
    """Return how long the battery lasts: at least as long as the stages need before the UPS would call it low."""
    return max(least_seconds, ups.needs_seconds(0) + ups.sync_seconds + runtime_low_seconds + SPARE_SECONDS)


@dataclass(frozen=True)
class Said:
    """What the dummy is to say; None: as it does."""

    status: str | None
    charge_ratio: float
    runtime_seconds: float

    def variables(self) -> dict[str, str]:
        """Return it as NUT's variables; the status last, when the numbers are right."""
        charge = f"{self.charge_ratio * 100:.0f}"
        numbers = {"battery.charge": charge, "battery.runtime": f"{self.runtime_seconds:.0f}"}
        return numbers if self.status is None else {**numbers, "ups.status": self.status}


def begins(lasts: float) -> Said:
    """The mains goes away."""
    return Said(ON_BATTERY, 1.0, lasts)


def goes_on(record: PowerRecord, ups: Ups, reading: UpsReading | None, lasts: float, now: Now) -> Said | None:
    """Return what the dummy is to say now; None when the drill is over or the machine was booted since: mains is back.

    A status is said only when it changes: whoever sets "OL" gives the mains back.
    """
    if record.how != "simulated" or record.boot_id != now.boot_id or reading is None or record.on_battery_at is None:
        return None
    if record.phase is Phase.RETURNING:
        charge = min(1.0, (reading.charge_ratio or 0.0) + CHARGING_RATIO)
        return Said(None, charge, lasts * charge) if charge < 1 or reading.charge_ratio != 1 else None
    if record.phase is Phase.FINISHED or record.mains_back_at is not None:
        return None
    begun = [stage for stage in ups.stages if stage.name in record.begun]
    idle = begun and all(stage_done(record, stage) for stage in begun)
    before = lasts if reading.runtime_seconds is None else reading.runtime_seconds
    elapsed = max(0.0, (now.wall - record.on_battery_at).total_seconds())
    left = max(0.0, min(lasts - elapsed, before - (IDLE_DRAINED_SECONDS if idle else DRAINED_SECONDS)))
    was_low = record.low_at is not None
    return Said(LOW if left <= LOW_RATIO * lasts and not was_low else None, left / lasts, left)
