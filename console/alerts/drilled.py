"""Which power drill an incident belongs to: decided when it opens, and looked at again while it is open.

In doubt it is no drill: a drill that is told as an outage is a nuisance, an outage that is told as a drill a danger.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.alerts.rule import Drilled, Labels
from console.alerts.rulebook import RuleBook
from console.config import ConsoleConfig
from console.power.snapshot import UpsSnapshot
from console.store.hosts import HostState
from console.store.incidents import Incident
from console.store.power import PowerDrill, UpsLatest

GRACE = timedelta(minutes=2)
"""After its drill an incident may be open for so long: the console sees the end later than the UPS's host does."""
DARK = timedelta(minutes=30)
"""A UPS's host that is silent for longer has not gone dark for the drill: it is in trouble itself."""
DEAD_VOLTS = 100.0
"""While a UPS tests its battery its input has the mains' 220 V; with less than this on every line the mains is away."""


@dataclass(frozen=True)
class Drills:
    """The drills as the store has them at one moment."""

    session: Session
    config: ConsoleConfig
    book: RuleBook
    now: datetime

    def at_opening(self, rule: str, labels: Labels, host: str | None) -> str | None:
        """Return the drill that an incident belongs to that opens now."""
        part = self.book.drilled(rule)
        if part is None:
            return None
        found = self.session.scalars(select(PowerDrill).where(PowerDrill.until_at > self.now))
        going = (one for one in found if self._touches(one, part, labels, host) and self.now < self._over_at(one, part))
        return next((one.drill for one in going), None)

    def known_late(self, incident: Incident) -> str | None:
        """Return the drill of an incident that was opened under way, before the console knew of the drill."""
        drill = self.at_opening(incident.rule, incident.labels, incident.host)
        announced = self.session.get(PowerDrill, drill) if drill else None
        return drill if announced and announced.announced_at <= incident.opened_at else None

    def still_explains(self, incident: Incident) -> bool:
        """Return whether the drill of an incident still accounts for it."""
        part, drill = self.book.drilled(incident.rule), self.session.get(PowerDrill, incident.drill or "")
        if part is None or drill is None or not self._touches(drill, part, incident.labels, incident.host):
            return False
        return self.now < self._over_at(drill, part) + GRACE

    def _touches(self, drill: PowerDrill, part: Drilled, labels: Mapping[str, object], host: str | None) -> bool:
        ups = next((one for one in self.config.power.ups if one.name == drill.ups), None)
        if ups is None or ups.connected_to != drill.host:  # nobody else may say what is a drill of this UPS
            return False
        if part is Drilled.HOSTS:
            return drill.how != "test" and host in ups.powers  # a test of the battery sends nobody off
        return labels.get("ups") == ups.name and not (drill.how == "test" and self._mains_is_away(ups.name))

    def _mains_is_away(self, ups: str) -> bool:
        rows = self.session.scalars(select(UpsLatest).where(UpsLatest.ups == ups))
        shown = [UpsSnapshot.from_json(row.snapshot) for row in rows]
        return any(one.up and one.input_volts and max(one.input_volts) < DEAD_VOLTS for one in shown)

    def _over_at(self, drill: PowerDrill, part: Drilled) -> datetime:
        back = drill.mains_back_at if part is Drilled.MAINS_AWAY else None
        state = self.session.get(HostState, drill.host)
        silent = state.failing_since if state else None
        ends = (drill.until_at, drill.ended_at, back, silent + DARK if silent else None)
        return min(one for one in ends if one is not None)
