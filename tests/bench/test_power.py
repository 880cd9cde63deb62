"""How long the pages of power take with 10 UPSes and 100 devices, against the overview in the same run."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event

from agent.polling import Standing
from console.app import create_app
from console.history import Writer
from console.power.ingest import PowerIngest
from console.power.plan import Device, PowerPlan, Ups
from console.store.database import open_engine, session_factory
from console.store.migrate import migrate
from console.web.context import Console
from console.worker.exposition import PageParser
from tests.bench.test_console import milliseconds
from tests.web import clinic, electricity
from tests.web.conftest import NOW, Browser, add_account, close

pytestmark = pytest.mark.bench
UPSES, DEVICES, PORTS = 10, 100, 24
LIMIT_MILLISECONDS = 50
MOST_OF_OVERVIEW = 3.0  # on a machine that is slower than the limit allows
MOST_QUERIES = 30
PATHS = ("/power/", "/power/ups0", "/devices/", "/devices/sw0", "/devices/sw0/charts.json")


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, float]]:
    """A console over 10 UPSes with two sources each and 100 switches of 24 ports; how long the worker took, too."""
    config = clinic.configuration(tmp_path_factory.mktemp("power"))
    hosts = tuple(host.name for host in config.hosts)
    upses = tuple(Ups(f"ups{n}", f"UPS {n}", "appliance1", hosts, "usb") for n in range(UPSES))
    devices = tuple(Device(f"sw{n}", f"交换机 {n}", "switch", "mgmt", f"198.18.1.{n}") for n in range(DEVICES))
    config = replace(config, power=PowerPlan(upses, electricity.POWER.stages), devices=devices)
    engine = open_engine(config.store_url)
    migrate(engine)
    sessions = session_factory(engine)
    clinic.scrape(config, sessions, clinic.MACHINES, NOW)
    with sessions.begin() as session:
        electricity.write_history(session, "ups0", NOW)
    ingest, parser = PowerIngest(Writer()), PageParser()
    taken = []
    for seconds in (-75, -45, -15):
        at = NOW + timedelta(seconds=seconds)
        switch = electricity.switch(at.timestamp() - 1_790_000_000, PORTS)
        standings = [Standing(one.name, "switch", "snmp", switch, at.timestamp(), None) for one in devices]
        read = [
            electricity.standing(electricity.ON_MAINS, how, at, ups.name) for ups in upses for how in ("nut", "snmp")
        ]
        page = parser.parse(electricity.ups_page(read) + electricity.devices_page(standings))
        start = time.perf_counter()
        with sessions.begin() as session:
            ingest.take_in(session, "appliance1", page, at)
        taken.append((time.perf_counter() - start) * 1000)
    engine.dispose()
    app = create_app(config, lambda: NOW)
    yield app, min(taken)
    close(app)


def test_power_and_devices_answer_in_time(big: tuple[Flask, float], capsys: pytest.CaptureFixture[str]) -> None:
    app, ingest = big
    add_account(app)
    browser = Browser(app.test_client()).log_in()
    console: Console = app.extensions["xinglin"]
    statements: list[str] = []
    event.listen(
        console.sessions.kw["bind"], "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
    )
    overview = milliseconds(lambda: browser.get("/"))
    slow, chatty, lines = [], [], [f"{'page':40} {'ms':>8} {'ratio':>8} {'queries':>8}"]
    for path in PATHS:
        taken = milliseconds(lambda path=path: browser.get(path))  # type: ignore[misc]
        statements.clear()
        browser.get(path)
        lines.append(f"{path:40} {taken:8.1f} {taken / overview:8.2f} {len(statements):8}")
        slow += [path] if taken > LIMIT_MILLISECONDS and taken / overview > MOST_OF_OVERVIEW else []
        chatty += [path] if len(statements) > MOST_QUERIES else []
    with capsys.disabled():
        print("\n" + "\n".join(lines) + f"\n{'the overview':40} {overview:8.1f}")
        print(f"one scrape of {UPSES} UPSes and {DEVICES} switches into the store: {ingest:.0f} ms")
    assert slow == []
    assert chatty == []
