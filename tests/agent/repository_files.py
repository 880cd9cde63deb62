"""Status files of a repository server: two repositories, its space, a restore drill."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from backup.status import (
    Anomaly,
    Outcome,
    Purpose,
    RefusedDelete,
    RepositoryState,
    RestoreRecord,
    SpaceState,
    write_repository,
    write_restore,
    write_space,
)

MORNING = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WHOLE = RepositoryState(
    server="appliance1",
    host="his1",
    kind="local",
    started_at=MORNING,
    outcome=Outcome.SUCCESS,
    finished_at=MORNING + 4 * MINUTE,
    sets=40,
    snapshots=80,
    oldest_set_at=MORNING - timedelta(days=90),
    newest_set_at=MORNING - timedelta(hours=3),
    size_bytes=5_000_000,
    sizes=(("2026-03-01", 4_900_000), ("2026-03-02", 5_000_000)),
    parts_read=7,
    read_through_at=MORNING - timedelta(days=27),
)
TROUBLED = RepositoryState(
    server="appliance1",
    host="pacs1",
    kind="local",
    started_at=MORNING,
    outcome=Outcome.WARNING,
    finished_at=MORNING + 9 * MINUTE,
    broken_packs=("0" * 64,),
    set_aside=("a" * 64, "b" * 64),
    paused_since=MORNING - timedelta(days=1),
    anomalies=(
        Anomaly("mass_change", "pacs", "c" * 64, MORNING - timedelta(days=1), "6000 of 20001 files"),
        Anomaly("mass_change", "pacs", "d" * 64, MORNING, "6100 of 20001 files"),
        Anomaly("odd_time", "pacs", "d" * 64, MORNING, "in the future"),
    ),
)
SPACE = SpaceState(
    server="appliance1",
    at=MORNING + 5 * MINUTE,
    path="/var/lib/xinglin/repository",
    total_bytes=1000,
    free_bytes=400,
    ballast_bytes=20,
    growth_bytes_per_day=86400.0,
    days_until_full=10.0,
    refused_deletes=(
        RefusedDelete(MORNING, "his1", "198.18.0.11", "/his1/data/abc"),
        RefusedDelete(MORNING + MINUTE, "his1", "198.18.0.11", "/his1/snapshots/abc"),
    ),
)
DRILL = RestoreRecord(
    restore_id="20260302T213000Z-his-aaaaaa",
    host="his1",
    policy="his",
    repository="offsite",
    what="database his",
    target="scratch",
    in_place=False,
    purpose=Purpose.DRILL,
    operator="root",
    started_at=MORNING,
    outcome=Outcome.SUCCESS,
    finished_at=MORNING + 2 * MINUTE,
)


def write(directory: Path) -> None:
    """Write the files as the keeper, the watch and a restore leave them."""
    for state in (WHOLE, TROUBLED):
        write_repository(directory / "repositories", state)
    write_space(directory / "space.json", SPACE)
    write_restore(directory / "restores", DRILL)
