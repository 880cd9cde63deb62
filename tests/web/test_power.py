"""The pages of power: every UPS drawn, never an old value in green; records; a drill that is asked for."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from agent.power.request import Answer, take_request, write_answer
from agent.ups.reading import Flag, UpsReading
from console.config import ConsoleConfig
from console.history import Writer
from console.power.ingest import PowerIngest
from console.store.models import Role
from console.web.context import Console
from console.worker.exposition import PageParser
from tests.clock import Clock
from tests.web import electricity
from tests.web.conftest import NOW, Browser, add_account

RECORD = "/power/records/20261116T234100Z-rack-ups-0b1177"
PAGES = ["/power/", "/power/rack-ups", "/power/vault-ups", "/power/records/", RECORD, "/power/drill/"]


def tell(app: Flask, *standings: object, differ: tuple[tuple[str, str], ...] = (), host: str = "appliance1") -> None:
    """Let the worker take in what the agent of ``host`` tells of UPSes now."""
    console: Console = app.extensions["xinglin"]
    page = electricity.ups_page(standings, differ)  # type: ignore[arg-type]
    with console.sessions.begin() as session:
        PowerIngest(Writer()).take_in(session, host, PageParser().parse(page), console.clock())


def both(app: Flask, snmp: UpsReading | None, nut: UpsReading | None, differ: tuple[tuple[str, str], ...] = ()) -> None:
    at = app.extensions["xinglin"].clock()
    tell(app, electricity.standing(snmp, "snmp", at), electricity.standing(nut, "nut", at), differ=differ)


def english(browser: Browser) -> Browser:
    browser.send("/power/", "/preferences", locale="en", back="/power/")
    return browser


def card(page: str, name: str = "rack-ups") -> str:
    """Return the part of the page that is about one UPS."""
    found = re.search(rf'<section class="card ups" id="ups-{name}".*?</section>', page, re.DOTALL)
    assert found is not None, page
    return found[0]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_answers_in_both_languages(browser: Browser, path: str) -> None:
    assert '<html lang="zh-CN"' in browser.get(path)
    browser.send(path, "/preferences", locale="en", back=path)
    assert '<html lang="en"' in browser.get(path)


def test_a_ups_on_the_mains_is_drawn_with_its_values_and_both_sources_agree(browser: Browser) -> None:
    shown = card(english(browser).get("/power/"))
    assert 'data-condition="on_mains"' in shown
    for text in ("On mains", "Mains present", "100%", "37 min", "228.6 V", "26.5 °C", "They agree", "Passed"):
        assert text in shown, text
    assert [re.search(r"\d · (\w+)", item)[1] for item in re.findall(r"<li>.*?</li>", shown, re.DOTALL)] == [  # type: ignore[index]
        "workstations",
        "his",
        "appliance",
    ]


def test_on_battery_says_who_goes_when_by_the_clock(app: Flask, browser: Browser) -> None:
    both(app, electricity.ON_BATTERY, electricity.ON_BATTERY)
    shown = card(english(browser).get("/power/"))
    assert 'class="feed on-battery" data-condition="on_battery"' in shown
    assert "Mains away" in shown
    assert "The mains is away: the battery feeds the hosts" in shown
    assert "at once" in shown  # 1130 s are less than the workstations' 1200
    assert "10:49:50" in shown  # HIS at 600 s: 530 s after 10:41:00
    assert '<span class="tag">On battery</span>' in shown


def test_an_old_value_is_never_shown_as_the_present(app: Flask, browser: Browser, clock: Clock) -> None:
    clock.moment += timedelta(minutes=5)
    shown = card(english(browser).get("/power/"))
    assert 'data-condition="silent"' in shown
    assert "228.6 V" not in shown
    assert "100%" not in shown
    assert 'class="wire live"' not in shown
    assert "since" in shown
    assert "No report" in shown


def test_a_source_that_fails_says_why_while_the_other_is_shown(app: Flask, browser: Browser) -> None:
    both(app, None, electricity.ON_MAINS)
    shown = card(english(browser).get("/power/"))
    assert 'data-condition="one_source"' in shown
    assert "the community is wrong" in shown
    assert "228.6 V" in shown
    both(app, None, None)
    shown = card(browser.get("/power/"))
    assert 'data-condition="unreachable"' in shown
    assert "228.6 V" not in shown


def test_silence_after_on_battery_is_worse_than_silence(app: Flask, browser: Browser) -> None:
    both(app, electricity.ON_BATTERY, electricity.ON_BATTERY)
    both(app, None, None)
    assert 'data-condition="lost_on_battery"' in card(browser.get("/power/"))


def test_sources_that_differ_say_in_what(app: Flask, browser: Browser) -> None:
    low = replace(electricity.ON_MAINS, charge_ratio=0.4)
    both(app, low, electricity.ON_MAINS, (("rack-ups", "charge"), ("rack-ups", "runtime")))
    shown = card(english(browser).get("/power/"))
    assert 'data-condition="disagreement"' in shown
    assert "They differ in: charge, runtime" in shown


def test_a_fed_device_leads_to_its_own_page(config: ConsoleConfig, make_app: Callable[[ConsoleConfig], Flask]) -> None:
    rack, vault = config.power.ups
    first, *others = config.power.stages
    fed = replace(
        config.power,
        ups=(replace(rack, powers=(*rack.powers, "ct-console")), vault),
        stages=(replace(first, hosts=(*first.hosts, "ct-console")), *others),
    )
    app = make_app(replace(config, power=fed))
    add_account(app)
    shown = card(Browser(app.test_client()).log_in().get("/power/"))
    assert re.search(r'<a class="chip is-\w+" href="/devices/ct-console">', shown)
    assert re.search(r'<a class="chip is-\w+" href="/hosts/his1">', shown)


def test_a_ups_that_gives_no_runtime_gets_an_estimate_that_says_so(app: Flask, browser: Browser) -> None:
    mute = replace(electricity.ON_MAINS, runtime_seconds=None, load_ratio=0.68)
    both(app, mute, mute)
    shown = card(english(browser).get("/power/"))
    assert "estimated from its history; it gives no figure itself" in shown
    assert re.search(r'<span class="left">1[6-9] min', shown)  # half of the runtime at twice the load


def test_what_is_wrong_is_told_worst_first(app: Flask, browser: Browser) -> None:
    flags = frozenset({Flag.ON_BATTERY, Flag.LOW_BATTERY, Flag.REPLACE_BATTERY})
    bad = replace(electricity.ON_BATTERY, flags=flags)
    both(app, bad, bad)
    shown = card(english(browser).get("/power/"))
    titles = re.findall(r'<div class="causes"><h3>([^<]+?) ?<', shown)
    assert titles == [
        "The battery is low",
        "The mains is away: the battery feeds the hosts",
        "The battery wants replacing",
    ]


def test_todays_events_are_told_once_each_with_who_told_first(browser: Browser) -> None:
    page = english(browser).get("/power/")
    today = page[page.index('id="today"') :]
    assert re.findall(r'<span class="at"><time[^>]*>([^<]+)</time></span><span class="what"><b>([^<]+)</b>', today) == [
        ("07:58:01", "The mains is back"),
        ("07:52:00", "The mains is away: the battery feeds the hosts"),
    ]
    assert "cuts of the mains today: 1" in page


def test_the_forecast_gives_a_month_and_is_honest_without_history(browser: Browser) -> None:
    page = english(browser).get("/power/rack-ups")
    found = re.search(r"Replace it about (\d{4}-\d{2})", page)
    assert found is not None
    assert "2027-10" <= found[1] <= "2028-06"  # 1.8 % a month since April: 40 % are lost after 22 months
    assert "Too little measured yet" in browser.get("/power/vault-ups")


def test_how_each_fed_host_went_down_is_told(browser: Browser) -> None:
    page = english(browser).get("/power/rack-ups")
    boots = page[page.index('id="boots"') : page.index('id="wear"')]
    assert re.findall(r'<th scope="row">(\w+)</th>.*?data-state="(\w+)"', boots, re.DOTALL) == [
        ("appliance1", "ok"),
        ("his1", "ok"),
        ("desk1", "crit"),
    ]
    assert "15/main: shut down cleanly" in boots


def test_the_charts_have_the_history(browser: Browser) -> None:
    document = json.loads(browser.get("/power/rack-ups/charts.json?range=7d"))
    assert set(document["charts"]) == {"charge", "runtime", "load", "input", "temperature"}
    assert all(len(line["values"]) == len(document["times"]) for lines in document["charts"].values() for line in lines)


def test_a_record_names_who_hung_and_can_be_taken_home(browser: Browser) -> None:
    page = english(browser).get(RECORD)
    assert "Not passed" in page
    assert "It is still on although its stage" in page
    assert re.search(r"desk1.*?hung.*?his1", page, re.DOTALL)
    assert "shut down cleanly" in page
    document = json.loads(browser.get(RECORD + ".json"))
    assert document["record_id"] in RECORD
    browser.get("/power/records/nobody", 404)
    assert "desk1" in browser.get("/power/records/")


def test_the_overview_tells_the_worst_ups_and_the_shortest_battery(app: Flask, browser: Browser) -> None:
    page = english(browser).get("/")
    assert re.search(r'data-state="ok">.{0,200}On mains</span>', page, re.DOTALL)
    assert "2 of 2 UPSes are fine" in page
    both(app, electricity.ON_BATTERY, electricity.ON_BATTERY)
    page = browser.get("/")
    assert re.search(r'data-state="crit">.{0,200}On battery</span>', page, re.DOTALL)
    assert "The battery lasts for 19 min" in page
    assert "1 of 2 UPSes are fine" in page


def test_an_unknown_ups_is_not_found(browser: Browser) -> None:
    browser.get("/power/nothing", 404)
    browser.get("/power/nothing/charts.json", 404)


CHOICE = "rack-ups/lab/simulated"
NAME = "清河镇卫生院"


@pytest.fixture
def drill_directory(config: ConsoleConfig) -> Path:
    config.drill_directory.mkdir(parents=True)
    return config.drill_directory


def test_a_drill_needs_a_way_a_reason_and_the_facilitys_name(browser: Browser, drill_directory: Path) -> None:
    for fields in (
        {"drill": CHOICE, "reason": "季度演练", "name": "清河"},
        {"drill": CHOICE, "reason": " ", "name": NAME},
        {"drill": "rack-ups/facility/unplug", "reason": "季度演练", "name": NAME},
    ):
        page = browser.send("/power/drill/", "/power/drill/", 422, **fields)
        assert 'role="alert"' in page
    assert list(drill_directory.iterdir()) == []


def test_a_drill_is_on_the_audit_log_before_the_daemon_finds_it(
    app: Flask, browser: Browser, drill_directory: Path
) -> None:
    where = browser.send("/power/drill/", "/power/drill/", drill=CHOICE, reason="季度演练", name=NAME)
    asked = take_request(drill_directory)
    assert asked is not None
    assert (asked.ups, asked.scope, asked.how, asked.operator) == ("rack-ups", "lab", "simulated", "lihua")
    console: Console = app.extensions["xinglin"]
    log = "".join(path.read_text(encoding="utf-8") for path in (console.config.audit_directory / "log").iterdir())
    assert '"power.drill_requested"' in log
    assert "季度演练" in log
    assert "正在等待供电守护进程" in browser.get(where)
    write_answer(drill_directory, Answer(asked.request_id, "the battery is too empty"))
    assert "the battery is too empty" in browser.get(where)


def test_a_request_that_cannot_be_left_says_what_to_do(config: ConsoleConfig, browser: Browser) -> None:
    config.drill_directory.parent.write_text("in the way", encoding="ascii")
    page = browser.send("/power/drill/", "/power/drill/", 503, drill=CHOICE, reason="季度演练", name=NAME)
    assert "xinglin provision --tags ups,console" in page


@pytest.mark.parametrize(("role", "status"), [(Role.OPERATOR, 302), (Role.AUDITOR, 403), (Role.SECURITY, 403)])
def test_only_who_runs_the_clinics_machines_starts_a_drill(
    app: Flask, drill_directory: Path, role: Role, status: int
) -> None:
    add_account(app, "zhangsan", role)
    browser = Browser(app.test_client()).log_in("zhangsan")
    browser.send("/power/drill/", "/power/drill/", status, drill=CHOICE, reason="季度演练", name=NAME)


def test_a_simulated_drill_is_for_demonstrations_only(
    config: ConsoleConfig, make_app: Callable[[ConsoleConfig], Flask], drill_directory: Path
) -> None:
    real = replace(config, facility=replace(config.facility, demo_data=False))
    app = make_app(real)
    add_account(app)
    browser = Browser(app.test_client()).log_in()
    assert CHOICE not in browser.get("/power/drill/")
    browser.send("/power/", "/power/drill/", 422, drill=CHOICE, reason="季度演练", name=NAME)


def test_an_empty_facility_says_what_fills_the_page(
    empty_config: ConsoleConfig, make_app: Callable[[ConsoleConfig], Flask]
) -> None:
    app = make_app(empty_config)
    add_account(app)
    browser = Browser(app.test_client()).log_in()
    assert 'data-condition="never"' in browser.get("/power/")
    assert "xinglin drill power" in browser.get("/power/records/")
    bare = make_app(replace(empty_config, power=replace(empty_config.power, ups=())))
    assert "xinglin provision" in Browser(bare.test_client()).log_in().get("/power/")


def test_now_is_the_clinics_working_monday() -> None:
    assert electricity.drill(NOW - timedelta(days=6, hours=3)).record_id in RECORD
