"""Repositories of an invented clinic, as the keeper and the watch on the appliance and on the vault report them."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backup.status import (
    Anomaly,
    Cause,
    Outcome,
    RefusedDelete,
    RepositoryState,
    SpaceState,
    Step,
    to_json,
)

GIB = 1024**3
DAY = timedelta(days=1)
SERVERS = {"appliance1": "local", "vault1": "offsite"}
DAYS = 90
SIZES = {"his1": 11.6 * GIB, "pacs1": 318.0 * GIB}
GROWTH = {"his1": 0.09 * GIB, "pacs1": 1.9 * GIB}
SMALL = 1.7 * GIB
GREW = "148.2 GiB added (usual 2.3 GiB, all data 412.0 GiB)"
STEPS = (
    ("open", 1),
    ("list", 1),
    ("guard", 2),
    ("check", 117),
    ("copy_back", 3),
    ("settle", 1),
    ("retention", 4),
    ("prune", 33),
)
NUMBERS = {
    "list": {"snapshots": 86.0, "sets": 43.0},
    "guard": {"judged": 2.0, "anomalies": 0.0},
    "check": {"data_part": 11.0, "data_parts": 28.0},
    "retention": {"removed": 2.0},
    "prune": {"bytes_freed": 1.4 * GIB},
}


def sizes(host: str, now: datetime) -> tuple[tuple[str, int], ...]:
    """Return the size of each day: it grows, and is smaller after each week's clean-up."""
    found = []
    for back in range(DAYS - 1, -1, -1):
        wave = 0.6 * GROWTH.get(host, SMALL / 400) * math.sin(back * 2 * math.pi / 7)
        day = (now - back * DAY).astimezone(UTC).date()
        found.append((day.isoformat(), int(SIZES.get(host, SMALL) - GROWTH.get(host, SMALL / 400) * back + wave)))
    return tuple(found)


def state(server: str, host: str, now: datetime) -> RepositoryState:
    """Return how a repository stands after last night's round."""
    night = (now + timedelta(hours=8)).replace(hour=5, minute=30, second=0, microsecond=0) - timedelta(hours=8)
    paused = (server, host) == ("appliance1", "pacs1")
    steps, at = [], night
    for name, seconds in STEPS[: -2 if paused else None]:
        strange = paused and name == "guard"
        cause = Cause("retention_paused", f"/var/lib/xinglin/repository/{host}", f"sudden_growth c4c4c4c4: {GREW}")
        outcome = Outcome.WARNING if strange else Outcome.SUCCESS
        ended = at + timedelta(seconds=seconds)
        steps.append(
            Step(
                name,
                outcome,
                at,
                ended,
                cause if strange else None,
                {**NUMBERS.get(name, {}), **({"anomalies": 1.0} if strange else {})},
            )
        )
        at = ended
    whole = RepositoryState(
        server=server,
        host=host,
        kind=SERVERS[server],
        started_at=night,
        outcome=Outcome.SUCCESS,
        finished_at=at,
        steps=tuple(steps),
        sets=58 if server == "vault1" else 43,
        snapshots=116 if server == "vault1" else 86,
        oldest_set_at=now - timedelta(days=400 if server == "vault1" else 92),
        newest_set_at=night - timedelta(hours=3, minutes=29),
        size_bytes=sizes(host, now)[-1][1],
        sizes=sizes(host, now),
        parts_read=11,
        read_through_at=now - timedelta(days=27, hours=5),
        removed=2,
    )
    if paused:
        odd = Anomaly(
            "sudden_growth",
            "pacs",
            "c4" * 32,
            night - 3 * timedelta(hours=1),
            GREW,
        )
        return replace(whole, paused_since=night, anomalies=(odd,), removed=0, outcome=Outcome.WARNING)
    return whole


def report(server: str, hosts: list[str], now: datetime) -> dict[str, object]:
    """Return the part of ``/facts`` that only a repository server has."""
    total, used = (900 * GIB, 369 * GIB) if server == "appliance1" else (2000 * GIB, 580 * GIB)
    refused = (RefusedDelete(now - 58 * DAY, "desk1", "198.18.0.14", "/desk1/keys/0f"),) if server == "vault1" else ()
    growth = sum(GROWTH.get(host, SMALL / 400) for host in hosts)
    space = SpaceState(
        server=server,
        at=now - timedelta(minutes=3),
        path="/var/lib/xinglin/repository",
        total_bytes=total,
        free_bytes=total - used,
        ballast_bytes=GIB,
        growth_bytes_per_day=growth,
        days_until_full=(total - used) / growth,
        refused_deletes=refused,
    )
    return {"repositories": [to_json(state(server, host, now)) for host in hosts], "space": to_json(space)}
