"""The pages of devices: worst first, since when and why, ports, sensors, supplies; nothing old in green."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from agent.polling import Standing
from console.config import ConsoleConfig
from console.history import Writer
from console.power.ingest import PowerIngest
from console.web.context import Console
from console.worker.exposition import PageParser
from tests.clock import Clock
from tests.web import electricity
from tests.web.conftest import Browser, add_account

NAMES = [device.name for device in electricity.DEVICES]


def english(browser: Browser) -> Browser:
    browser.send("/devices/", "/preferences", locale="en", back="/devices/")
    return browser


def row(page: str, name: str) -> str:
    found = re.search(rf'<tr [^>]*>\s*<th scope="row"><span><a href="/devices/{name}">.*?</tr>', page, re.DOTALL)
    assert found is not None, name
    return found[0]


@pytest.mark.parametrize("path", ["/devices/", *(f"/devices/{name}" for name in NAMES)])
def test_a_page_answers_in_both_languages(browser: Browser, path: str) -> None:
    assert '<html lang="zh-CN"' in browser.get(path)
    browser.send(path, "/preferences", locale="en", back=path)
    assert '<html lang="en"' in browser.get(path)


def test_the_worst_device_is_first_with_since_when_and_why(browser: Browser) -> None:
    page = english(browser).get("/devices/")
    names = re.findall(r'<a href="/devices/([\w-]+)">', page)
    assert names[:2] == ["cam-gate", "printer-pharmacy"]
    assert set(names) == set(NAMES)
    camera = row(page, "cam-gate")
    assert "Unreachable" in camera
    assert "No answer" in camera
    assert ">09:11<" in camera  # for 2400 s before the scrape at 10:40:58
    assert "12 / 11" in row(page, "sw-core")
    assert "8.0%" in row(page, "printer-pharmacy")
    assert "24.6 °C" in row(page, "room-sensor")


def test_a_switch_shows_its_ports_with_rates_and_the_named_one_that_is_down(browser: Browser) -> None:
    page = english(browser).get("/devices/sw-core")
    assert "至防火墙" in page
    assert "3.9 MiB/s" in page
    assert "1000 Mbit/s" in page
    assert "Down: 堆叠备用" in page
    assert "Switched off" in page
    document = json.loads(browser.get("/devices/sw-core/charts.json?range=24h"))
    assert set(document["charts"]) == {"reachable", "received", "sent", "links", "temperature"}
    assert set(json.loads(browser.get("/devices/ct-console/charts.json"))["charts"]) == {"reachable"}


def test_an_unreachable_device_explains_itself_and_shows_no_value(browser: Browser) -> None:
    page = english(browser).get("/devices/cam-gate")
    assert "The device does not answer: it is off" in page
    assert "ping its address from the appliance" in page


def test_old_values_are_not_shown(browser: Browser, clock: Clock) -> None:
    clock.moment += timedelta(minutes=5)
    page = english(browser).get("/devices/")
    assert "No report" in row(page, "sw-core")
    assert "12 / 11" not in page
    assert "24.6 °C" not in page
    one = browser.get("/devices/sw-core")
    assert "至防火墙" not in one[: one.index('id="history"')]
    assert "Old values are not shown" in one


def test_a_device_that_answers_again_says_so_and_is_on_record(app: Flask, browser: Browser, clock: Clock) -> None:
    clock.moment += timedelta(seconds=10)
    console: Console = app.extensions["xinglin"]
    answers = Standing("cam-gate", "camera", "probe", electricity.probed(), clock.moment.timestamp(), None)
    page = PageParser().parse(electricity.devices_page([answers]))
    with console.sessions.begin() as session:
        PowerIngest(Writer()).take_in(session, "appliance1", page, clock.moment)
    shown = english(browser).get("/devices/cam-gate")
    assert "Reachable" in shown
    assert "Answers again" in shown


def test_an_empty_facility_says_what_fills_the_page(
    empty_config: ConsoleConfig, make_app: Callable[[ConsoleConfig], Flask]
) -> None:
    app = make_app(empty_config)
    add_account(app)
    browser = Browser(app.test_client()).log_in()
    assert "从未询问" in browser.get("/devices/")
    assert "xinglin provision" in browser.get("/devices/sw-core")
    bare = Browser(make_app(replace(empty_config, devices=())).test_client()).log_in()
    assert "xinglin provision" in bare.get("/devices/")
    bare.get("/devices/sw-core", 404)
