"""How long a page takes with a week of history of ten hosts, against a trivial Flask page in the same run."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import event, insert, select
from sqlalchemy.orm import Session, sessionmaker

from console.app import create_app
from console.config import Policy
from console.store.database import open_engine, session_factory
from console.store.migrate import migrate
from console.store.models import MetricHour, MetricMinute, MetricSeries
from console.web.context import Console
from tests.web import clinic
from tests.web.conftest import NOW, Browser, add_account, close

pytestmark = pytest.mark.bench
LIMIT_MILLISECONDS = 150
MOST_QUERIES = 90  # ten policies on ten hosts need four each for the rules; nothing grows with the history
REPEATS = 9
MACHINES = tuple(
    replace(clinic.MACHINES[index % len(clinic.MACHINES)], name=name)
    for index, name in enumerate(
        ("appliance1", "his1", "pacs1", "vault1", "desk1", "desk2", "desk3", "lis1", "gate1", "web1")
    )
)
PATHS = (
    "/",
    "/hosts/",
    "/hosts/his1?range=1h",
    "/hosts/his1?range=24h",
    "/hosts/his1?range=7d",
    "/hosts/his1/charts.json?range=24h",
    "/hosts/his1/charts.json?range=7d",
    "/backups/",
    "/backups/repositories",
    "/backups/records",
    "/runs/",
    "/compliance/",
    "/compliance/7.1.4.1.a",
    "/audit/",
)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A console over ten hosts: every minute of two days, every hour of a week, four weeks of nightly backups."""
    directory = tmp_path_factory.mktemp("big")
    config = clinic.configuration(directory, MACHINES)
    policies = tuple(Policy(host.name, (host.name,), 24, 4, ("02:00",)) for host in config.hosts)
    config = replace(config, policies=policies)
    engine = open_engine(config.store_url)
    migrate(engine)
    sessions = session_factory(engine)
    clinic.fill(config, sessions, NOW, MACHINES)
    make_whole(sessions)
    engine.dispose()
    app = create_app(config, lambda: NOW)
    yield app
    close(app)


def make_whole(sessions: sessionmaker[Session]) -> None:
    """Add the minutes and hours that the sparse fill left out."""
    minute = int(NOW.timestamp()) // 60 * 60
    hour = minute // 3600 * 3600
    with sessions.begin() as session:
        for series in session.scalars(select(MetricSeries.id)).all():
            minutes = set(session.scalars(select(MetricMinute.at).where(MetricMinute.series_id == series)))
            hours = set(session.scalars(select(MetricHour.at).where(MetricHour.series_id == series)))
            missing = sorted(set(range(minute - 2879 * 60, minute, 60)) - minutes)
            absent = sorted(set(range(hour - 168 * 3600, hour, 3600)) - hours)
            values = {"minimum": 0.1, "average": 0.2, "maximum": 0.3, "samples": 60}
            if missing:
                session.execute(
                    insert(MetricMinute), [{"series_id": series, "at": at, "value": 0.25} for at in missing]
                )
            if absent:
                session.execute(insert(MetricHour), [{"series_id": series, "at": at, **values} for at in absent])


def milliseconds(ask: Callable[[], object]) -> float:
    """Return the shortest time of one call, which other work on the machine disturbs least; caches are warm."""
    ask()
    times = []
    for _repeat in range(REPEATS):
        start = time.perf_counter()
        ask()
        times.append((time.perf_counter() - start) * 1000)
    return min(times)


def trivial() -> float:
    """Return the time of a page that says one word, in the same Flask."""
    app = Flask("trivial")
    app.get("/")(lambda: "hello")
    client = app.test_client()
    return milliseconds(lambda: client.get("/"))


def test_every_page_answers_in_time_with_a_bounded_number_of_queries(
    big: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    add_account(big)
    browser = Browser(big.test_client()).log_in()
    console: Console = big.extensions["xinglin"]
    statements: list[str] = []
    event.listen(
        console.sessions.kw["bind"], "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
    )
    base = trivial()
    slow, chatty, lines = [], [], [f"{'page':40} {'ms':>8} {'ratio':>8} {'queries':>8}"]
    for path in PATHS:
        taken = milliseconds(lambda path=path: browser.get(path))  # type: ignore[misc]
        statements.clear()
        browser.get(path)
        lines.append(f"{path:40} {taken:8.1f} {taken / base:8.0f} {len(statements):8}")
        slow += [path] if taken > LIMIT_MILLISECONDS else []
        chatty += [path] if len(statements) > MOST_QUERIES else []
    with capsys.disabled():
        print("\n" + "\n".join(lines) + f"\n{'a trivial Flask page':40} {base:8.2f}")
    assert slow == []
    assert chatty == []
