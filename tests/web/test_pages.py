"""Every page over the filled clinic and over an empty store, in both languages."""

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from console.config import ConsoleConfig
from tests.clock import Clock
from tests.web.conftest import Browser, add_account

PAGES = [
    "/",
    "/incidents/",
    "/incidents/routes/",
    "/hosts/",
    "/hosts/his1",
    "/backups/",
    "/backups/repositories",
    "/backups/restores",
    "/backups/records",
    "/runs/",
    "/compliance/",
    "/audit/",
    "/password",
]


def first_link(page: str, pattern: str) -> str:
    found = re.search(rf'href="({pattern})"', page)
    assert found is not None, pattern
    return found[1]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_answers_in_chinese_and_english(browser: Browser, path: str) -> None:
    assert '<html lang="zh-CN"' in browser.get(path)
    browser.send(path, "/preferences", locale="en", back=path)
    assert '<html lang="en"' in browser.get(path)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_an_empty_store_answers_and_names_a_next_step(
    empty_config: ConsoleConfig, make_app: Callable[[ConsoleConfig], Flask], path: str
) -> None:
    app = make_app(empty_config)
    add_account(app)
    assert "<h1>" in Browser(app.test_client()).log_in().get(path)


def test_an_empty_list_of_runs_says_which_command_fills_it(
    empty_config: ConsoleConfig, make_app: Callable[[ConsoleConfig], Flask]
) -> None:
    app = make_app(empty_config)
    add_account(app)
    browser = Browser(app.test_client()).log_in()
    assert "./xinglin provision" in browser.get("/runs/")
    for path, wanted in (
        ("/backups/", "backup run"),
        ("/backups/records", "backup verify"),
        ("/backups/restores", "backup restore"),
    ):
        assert f"xinglin {wanted}" in browser.get(path)


def test_the_overview_tells_the_worst_problem_first_with_its_next_step(browser: Browser) -> None:
    browser.send("/", "/preferences", locale="en", back="/")
    page = browser.get("/")
    states = re.findall(r'<article class="problem">\s*<div><span class="state is-(\w+)"', page)
    assert states[0] == "crit"
    assert states == sorted(states, key=["crit", "warn"].index)
    assert "desk1 does not answer" in page
    assert "Check the power and the network of desk1" in page


def test_hosts_are_shown_worst_first_and_old_values_are_grey(browser: Browser) -> None:
    page = browser.get("/hosts/")
    names = re.findall(r'<a href="/hosts/(\w+)">', page)
    assert names[:2] == ["desk1", "pacs1"]
    desk = page[page.index("/hosts/desk1") : page.index("/hosts/pacs1")]
    assert "meter is-unknown" in desk
    assert "meter is-ok" not in desk


def test_when_the_worker_is_silent_no_host_stays_green(browser: Browser, clock: Clock) -> None:
    clock.moment += timedelta(minutes=10)
    page = browser.get("/hosts/")
    assert 'data-state="ok"' not in page
    assert "meter is-ok" not in page


def test_charts_come_as_json_with_gaps_kept_as_gaps(browser: Browser) -> None:
    for wanted, points in (("1h", 60), ("24h", 288), ("7d", 168)):
        document = json.loads(browser.get(f"/hosts/desk1/charts.json?range={wanted}"))
        assert len(document["times"]) == points
        values = document["charts"]["cpu"][0]["values"]
        assert len(values) == points
        if wanted == "1h":  # desk1 was switched off 24 minutes ago
            assert values[-1] is None
            assert any(value is not None for value in values)


def test_a_run_shows_what_changed_first_and_every_task_when_asked(browser: Browser) -> None:
    browser.send("/runs/", "/preferences", locale="en", back="/runs/")
    address = first_link(browser.get("/runs/"), r"/runs/[^\"?]+")
    page = browser.get(address)
    assert "<ins>+server 198.18.0.10 iburst prefer\n</ins>" in page
    assert "Create the operator account" not in page
    assert "Create the operator account" in browser.get(address + "?show=all")
    alone = browser.get(address + "?show=all&host=his1")
    assert '<th scope="col">vault1</th>' not in alone


def test_a_failed_run_shows_the_message_of_its_failed_task(browser: Browser) -> None:
    page = browser.get("/runs/")
    failed = re.search(r'href="(/runs/[^"]+)"(?:(?!</tr>).)*data-state="crit"', page, re.DOTALL)
    assert failed is not None
    assert "No space left on device" in browser.get(failed[1])


def test_an_item_shows_each_hosts_verdict_and_the_raw_output_behind_it(browser: Browser) -> None:
    item = browser.get("/compliance/7.1.4.1.a")
    assert 'id="his1"' in item
    assert 'id="appliance1"' in item
    raw = browser.get(first_link(item, "/compliance/7.1.4.1.a/his1/evidence"))
    assert "<pre" in raw
    assert "exit" in raw or "退出码" in raw


def test_compliance_rates_are_intervals_with_their_label(browser: Browser) -> None:
    page = browser.get("/compliance/")
    assert "自查估算，不代替测评结论" in page
    assert re.search(r'<span class="value">\d+% – \d+%</span>', page)
    assert "待人工" in browser.get("/compliance/?layer=PES")


@pytest.mark.parametrize(
    "path",
    [
        "/hosts/nobody",
        "/hosts/nobody/charts.json",
        "/backups/runs/none",
        "/runs/none",
        "/compliance/8.1.4.1.a",
        "/nowhere",
    ],
)
def test_what_does_not_exist_is_answered_with_a_page_that_leads_on(browser: Browser, path: str) -> None:
    page = browser.get(path, status=404)
    assert 'href="/"' in page


def test_the_health_check_answers_without_login_and_without_data(stranger: Browser) -> None:
    assert stranger.get("/healthz") == "ok\n"


def test_changed_tasks_are_not_counted_as_unchanged_too(browser: Browser) -> None:
    page = browser.get("/runs/20261122T234100Z-site")
    row = re.search(r'host=his1">his1</a></th>(.*?)</tr>', page, re.DOTALL)
    assert row is not None
    assert re.findall(r">(\d+)</td>", row[1]) == ["9", "3", "0", "0", "0"]


def test_problems_of_one_kind_are_told_once_with_the_others_folded_in(browser: Browser) -> None:
    page = browser.get("/")
    assert re.search(r"另有 3 项同类问题：his1, pacs1, vault1", page)
    assert page.count("存在高风险问题") == 4
