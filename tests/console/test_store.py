"""The store comes up from nothing, keeps UTC, and answers fast with a week of ten hosts."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, func, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from console.history import HOUR, MINUTE, History, Writer, forget_old, read_history, roll_up
from console.store import migrate as migration
from console.store.database import open_engine, sqlite_url
from console.store.migrate import current_revision, migrate, newest_revision
from console.store.models import Base, MetricHour, MetricMinute, MetricSeries, OneTimeSecret
from console.store.upsert import upsert
from tests.console.conftest import NOW


def test_an_empty_store_is_migrated_once_and_fits_the_models(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path))
    assert current_revision(engine) is None
    assert migrate(engine)
    assert not migrate(engine)
    assert current_revision(engine) == newest_revision()
    with engine.begin() as connection:
        configuration = migration._configuration()
        configuration.attributes["connection"] = connection
        command.check(configuration)  # raises when the models and the migrations differ
    engine.dispose()


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE provision_task (in_the_way INTEGER)"))
    with pytest.raises(Exception, match="already exists"):
        migrate(engine)
    with engine.connect() as connection:
        names = set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())
    assert names == {"provision_task"}
    engine.dispose()


def test_a_store_of_the_first_schema_keeps_its_rows_and_can_go_back(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path))
    configuration = migration._configuration()
    with engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0001")
        connection.execute(
            text(
                "INSERT INTO verification (verification_id, host, policy, started_at, verdict, phases, assertions,"
                " received_at) VALUES ('v', 'his1', 'his', '2026-11-22 18:00:00', 'passed', '{}', '[]',"
                " '2026-11-22 18:00:00')"
            )
        )
    assert migrate(engine)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT verification_id, bytes_restored FROM verification")).all() == [
            ("v", None)
        ]
        configuration.attributes["connection"] = connection
        command.downgrade(configuration, "0001")
        assert connection.execute(text("SELECT count(*) FROM verification")).scalar() == 1
    engine.dispose()


def test_sqlite_runs_with_wal_foreign_keys_and_a_busy_time_out(engine: Engine) -> None:
    with engine.connect() as connection:
        pragmas = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        ]
    assert pragmas == ["wal", 1, 10_000]


def test_every_table_compiles_for_postgresql() -> None:
    for table in Base.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


def test_times_are_kept_in_utc_and_a_naive_one_is_refused(session: Session) -> None:
    moment = datetime(2026, 11, 23, 16, 0, tzinfo=timezone(timedelta(hours=8)))
    session.add(OneTimeSecret(purpose="x", secret_sha256="y", created_at=moment, expires_at=moment))
    session.flush()
    session.expire_all()
    kept = session.scalars(select(OneTimeSecret)).one()
    assert (kept.created_at, kept.created_at.tzinfo) == (NOW, UTC)
    kept.created_at = datetime(2026, 11, 23)  # noqa: DTZ001
    with pytest.raises(StatementError, match="no time zone"):
        session.flush()


def series(session: Session, host: str = "his1", name: str = "load1") -> int:
    row = MetricSeries(host=host, name=name, label="")
    session.add(row)
    session.flush()
    return row.id


def test_the_last_value_of_a_minute_stays_and_a_gap_stays_a_gap(session: Session) -> None:
    writer = Writer()
    for seconds, value in ((0, 1.0), (15, 2.0), (180, 4.0)):
        writer.write(session, "his1", NOW + timedelta(seconds=seconds), [("load1", "", value)])
    (history,) = read_history(session, "his1", NOW, NOW + timedelta(minutes=4))
    assert [bucket.average for bucket in history.buckets] == [2.0, None, None, 4.0, None]


def test_a_day_comes_in_five_minutes_with_their_extremes(session: Session) -> None:
    number = series(session)
    start = int(NOW.timestamp())
    values = (1.0, 9.0, 5.0)
    upsert(
        session, MetricMinute, [{"series_id": number, "at": start + 60 * at, "value": values[at]} for at in range(3)]
    )
    (history,) = read_history(session, "his1", NOW - timedelta(hours=24), NOW + timedelta(minutes=9))
    assert (history.step_seconds, len(history.buckets)) == (300, 290)
    last, gap = history.buckets[-2:]
    assert (last.minimum, last.average, last.maximum, gap.average) == (1.0, 5.0, 9.0, None)


def test_hours_keep_minimum_average_maximum_and_how_much_was_seen(session: Session) -> None:
    number = series(session)
    start = int(NOW.timestamp()) - HOUR
    rows = [{"series_id": number, "at": start + MINUTE * index, "value": float(index)} for index in range(30)]
    upsert(session, MetricMinute, rows)
    assert roll_up(session, NOW) == 1
    assert roll_up(session, NOW) == 1  # again: the same hour, not a second one
    hour = session.scalars(select(MetricHour)).one()
    assert (hour.at, hour.minimum, hour.average, hour.maximum, hour.samples) == (start, 0.0, 14.5, 29.0, 30)


def test_an_hour_that_is_not_over_is_not_rolled_up_but_shown_from_minutes(session: Session) -> None:
    number = series(session)
    upsert(session, MetricMinute, [{"series_id": number, "at": int(NOW.timestamp()), "value": 5.0}])
    assert roll_up(session, NOW + timedelta(minutes=1)) == 0
    (history,) = read_history(session, "his1", NOW - timedelta(days=7), NOW + timedelta(minutes=1))
    assert [bucket.average for bucket in history.buckets][-1] == 5.0
    assert {bucket.average for bucket in history.buckets[:-1]} == {None}


def test_old_points_are_forgotten_and_the_hours_stay(session: Session) -> None:
    number = series(session)
    old = int(NOW.timestamp()) - 49 * HOUR
    upsert(session, MetricMinute, [{"series_id": number, "at": at, "value": 1.0} for at in (old, old + 2 * HOUR)])
    hour = {"series_id": number, "at": old, "minimum": 1, "average": 1, "maximum": 1, "samples": 1}
    upsert(session, MetricHour, [hour])
    gone = series(session, host="gone")
    forget_old(session, NOW)
    assert session.scalars(select(MetricMinute.at)).all() == [old + 2 * HOUR]
    assert session.scalar(select(func.count()).select_from(MetricHour)) == 1
    assert session.get(MetricSeries, gone) is None


@pytest.fixture
def week(session: Session) -> Session:
    """Ten hosts of 18 series: 48 hours of minutes, a week of hours."""
    end = int(NOW.timestamp())
    for host in range(10):
        for name in range(18):
            number = series(session, f"host{host}", f"series{name:02}")
            minutes = [(number, at, 0.5) for at in range(end - 48 * HOUR, end, MINUTE)]
            hours = [(number, at, 0.1, 0.5, 0.9, 60) for at in range(end - 168 * HOUR, end - HOUR, HOUR)]
            raw = session.connection().connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.executemany("INSERT INTO metric_minute VALUES (?, ?, ?)", minutes)
            raw.executemany("INSERT INTO metric_hour VALUES (?, ?, ?, ?, ?, ?)", hours)
    session.commit()
    return session


def instructions(session: Session, read: Callable[[], object]) -> int:
    """Return how many of SQLite's instructions ``read`` costs (to a hundred): unlike time, the same on any machine."""
    raw, count = session.connection().connection.driver_connection, 0
    assert isinstance(raw, sqlite3.Connection)

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    raw.set_progress_handler(step, 100)
    try:
        read()
    finally:
        raw.set_progress_handler(None, 0)
    return count * 100


def test_a_week_of_one_host_costs_what_its_own_rows_cost_and_scans_nothing(week: Session) -> None:
    histories: list[History] = []
    cost = instructions(week, lambda: histories.extend(read_history(week, "host3", NOW - timedelta(days=7), NOW)))
    assert len(histories) == 18
    assert sum(bucket.average is not None for bucket in histories[0].buckets) == 168
    rows = sum(bucket.average is not None for history in histories for bucket in history.buckets)
    assert cost < 40 * rows, (cost, rows)
    plan = week.execute(
        text("EXPLAIN QUERY PLAN SELECT at, value FROM metric_minute WHERE series_id = 1 AND at >= 1 AND at < 2")
    ).all()
    assert all("SEARCH" in row[3] and "PRIMARY KEY" in row[3] for row in plan), plan


def test_reading_one_host_costs_the_same_however_many_hosts_there_are(week: Session) -> None:
    def cost() -> int:
        return instructions(
            week, lambda: read_history(week, "host3", NOW - timedelta(days=7), NOW, ["series00", "series01"])
        )

    many = cost()
    for table in (MetricMinute, MetricHour):
        others = select(MetricSeries.id).where(MetricSeries.host != "host3")
        week.query(table).where(table.series_id.in_(others)).delete(synchronize_session=False)
    week.commit()
    assert many < 1.2 * cost() + 200
