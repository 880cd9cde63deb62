"""Take in the power drills that go on: the agent of a UPS's host tells of them (agent.collectors.drill).

They come with the scrape that shows the UPS on battery, so that an alert and its drill are known at the same moment.
"""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.store.power import PowerDrill
from console.worker.exposition import Samples

PREFIX = "xinglin_power_drill_"
ANNOUNCED = f"{PREFIX}announced_timestamp_seconds"
UNTIL = f"{PREFIX}until_timestamp_seconds"
MAINS_BACK = f"{PREFIX}mains_back"


def take_in_drills(session: Session, host: str, samples: Samples, at: datetime) -> None:
    """Keep the drills that the agent of ``host`` tells of, end those that it tells of no more; the caller commits."""
    until = {labels.get("drill"): value for labels, value in samples.get(UNTIL, ())}
    back = {labels.get("drill") for labels, value in samples.get(MAINS_BACK, ()) if value == 1}
    told = set()
    for labels, announced in samples.get(ANNOUNCED, ()):
        drill = labels.get("drill")
        if not drill or drill not in until:
            continue
        told.add(drill)
        row = session.get(PowerDrill, drill)
        if row is None:
            row = PowerDrill(
                drill=drill, ups=labels.get("ups", ""), host=host, how=labels.get("how", ""),
                announced_at=datetime.fromtimestamp(announced, UTC),
            )  # fmt: skip
            session.add(row)
        row.until_at, row.ended_at = datetime.fromtimestamp(until[drill], UTC), None
        if drill in back:
            row.mains_back_at = row.mains_back_at or at
    for row in session.scalars(select(PowerDrill).where(PowerDrill.host == host, PowerDrill.ended_at.is_(None))):
        if row.drill not in told:
            row.ended_at = at
