"""The incidents' pages over incidents that the alert core itself wrote."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from agent.power.records import to_json
from console.alerts.incidents import Desk
from console.config import ConsoleConfig
from console.power.ingest import ingest_power
from console.store.models import Incident, Role
from console.web.context import Console
from tests.clock import Clock
from tests.web.alarms import CHAT, MAIL, MAIL_ANSWER, POWER, ROUTES, ProvidersStandIn, fill, fill_resolved, silent
from tests.web.conftest import PASSWORD, Browser, add_account
from tests.web.electricity import drill

OUTAGE = "The mains is away: rack-ups runs on its battery"
SHORT = "rack-ups would last only 8 min without mains"
SILENT = "his1 does not answer"


@pytest.fixture
def app(empty_config: ConsoleConfig, make_app: Callable[[ConsoleConfig], Flask], clock: Clock) -> Flask:
    """A clinic with routes, in a night of a power cut."""
    app = make_app(replace(empty_config, notifications=ROUTES, power=POWER))
    console: Console = app.extensions["xinglin"]
    fill(console.config, console.sessions, clock())
    return app


def in_english(browser: Browser) -> Browser:
    browser.send("/incidents/", "/preferences", locale="en", back="/incidents/")
    return browser


def row_titles(page: str) -> list[str]:
    return re.findall(r'<th scope="row" class="words wrap"><a href="[^"]+">([^<]+)</a>', page)


def number(page: str, title: str) -> int:
    found = re.search(r'href="/incidents/(\d+)">' + re.escape(title), page)
    assert found is not None, title
    return int(found[1])


def test_the_unresolved_are_shown_worst_first_and_the_taken_care_of_last(browser: Browser) -> None:
    page = in_english(browser).get("/incidents/")
    assert row_titles(page) == [OUTAGE, SHORT, SILENT]
    assert "Unresolved 3" in page
    assert "Not taken care of 2" in page
    assert "Resolved 1" in page


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("show=open", [OUTAGE, SHORT]),
        ("show=acknowledged", [SILENT]),
        ("show=resolved", ["The battery of rack-ups is nearly empty"]),
        ("severity=warn", [SHORT]),
        ("q=HIS1", [SILENT]),
        ("q=%25", []),
        ("q=nobody", []),
        ("show=nonsense&severity=loud&before=x", 3),
    ],
)  # fmt: skip
def test_the_filters(browser: Browser, query: str, titles: list[str] | int) -> None:
    page = in_english(browser).get(f"/incidents/?{query}")
    found = row_titles(page)
    assert (len(found) if isinstance(titles, int) else found) == titles
    if titles == []:
        assert "Clear the filter" in page


def test_the_menu_and_the_overview_count_what_is_unresolved(browser: Browser) -> None:
    page = in_english(browser).get("/")
    assert re.search(r'<b class="count"><span class="visually-hidden">unresolved: </span>3</b>', page)
    tile = page[page.index("Open incidents") :]
    assert re.search(r'class="value">3', tile)
    assert "2 not yet taken care of" in tile


def test_the_overview_begins_with_a_power_cut_that_goes_on(browser: Browser) -> None:
    page = in_english(browser).get("/")
    problems = page[: page.index("Open incidents")]
    assert OUTAGE in problems
    assert 'href="/power/"' in problems[problems.index("<main") :]


def test_an_incident_says_what_it_means_what_was_measured_and_what_happened(browser: Browser) -> None:
    page = in_english(browser).get("/incidents/")
    page = browser.get(f"/incidents/{number(page, SHORT)}")
    assert "Take off what does not belong on the UPS" in page
    assert "<strong>8 min</strong>" in page
    assert "&lt; 10 min" in page
    assert "over again: &gt;= 12 min" in page
    assert '<a href="/power/rack-ups">rack-ups</a>' in page
    page = browser.get(f"/incidents/{number(browser.get('/incidents/'), SILENT)}")
    assert '<a href="/hosts/his1">his1</a>' in page


def test_every_attempt_is_shown_with_the_providers_own_answer(browser: Browser) -> None:
    page = in_english(browser).get("/incidents/")
    page = browser.get(f"/incidents/{number(page, OUTAGE)}")
    history = page[page.index('class="history"') :]
    words = re.findall(r'data-state="(\w+)"><svg.*?</svg>([^<]+)</span>', history)
    assert words == [
        ("crit", "Opened"),
        ("warn", "Not taken, tried again"),
        ("crit", "Not delivered"),
        ("ok", "Delivered"),
    ]
    assert "HTTP 200, errcode 45009: api freq out of limit" in history
    assert MAIL_ANSWER in history
    assert f"{CHAT}: message “opened”" in history


def test_taking_care_and_closing_are_noted_and_audited(browser: Browser, app: Flask) -> None:
    page = in_english(browser).get("/incidents/")
    address = f"/incidents/{number(page, OUTAGE)}"
    assert browser.send(address, f"{address}/acknowledge", comment=" on my  way ") == address
    page = browser.get(address)
    assert "Noted: lihua takes care of it." in page
    assert "on my way" in page
    assert browser.send(address, f"{address}/resolve", reason="") == address
    assert "Say why it is closed." in browser.get(address)
    assert browser.send(address, f"{address}/resolve", reason="generator runs <b>") == address
    page = browser.get(address)
    assert "lihua: generator runs &lt;b&gt;" in page
    assert "Close with this reason" not in page
    log = browser.get("/audit/")
    assert "Incident taken care of" in log
    assert "Incident closed" in log


def test_two_who_close_at_once_are_told(browser: Browser) -> None:
    page = browser.get("/incidents/?show=resolved")
    found = re.search(r'href="(/incidents/\d+)"', page)
    assert found is not None
    browser.send("/incidents/routes/", f"{found[1]}/acknowledge", comment="")
    assert "未作更改：告警在此期间已关闭。" in browser.get(found[1])


def test_an_auditor_reads_and_changes_nothing(app: Flask) -> None:
    add_account(app, "wangfang", Role.AUDITOR)
    auditor = Browser(app.test_client()).log_in("wangfang", PASSWORD)
    page = auditor.get("/incidents/")
    found = re.search(r'href="(/incidents/\d+)"', page)
    assert found is not None
    assert "您的角色只能查看告警" in auditor.get(found[1])
    assert '<button class="button' not in auditor.get("/incidents/routes/")
    for action in (f"{found[1]}/acknowledge", f"{found[1]}/resolve", f"/incidents/routes/{CHAT}/test"):
        auditor.send("/incidents/", action, 403, reason="x")


def test_a_post_without_a_token_changes_nothing(browser: Browser) -> None:
    found = re.search(r'href="(/incidents/\d+)"', browser.get("/incidents/"))
    assert found is not None
    answer = browser.client.post(f"{found[1]}/resolve", base_url="https://console.test", data={"reason": "x"})
    assert answer.status_code == 400


def test_routes_stand_by_what_their_provider_said_last(browser: Browser) -> None:
    page = in_english(browser).get("/incidents/routes/")
    rows = re.findall(r'<th scope="row" class="words"><span>([\w-]+)<.*?</tr>', page, re.DOTALL)
    words = re.findall(r'data-label="State"><span><span [^>]+><svg.*?</svg>([^<]+)', page)
    assert dict(zip(rows, words, strict=True)) == {CHAT: "Delivers", MAIL: "Does not deliver", "desk": "Never used"}
    chat = page[page.index(f"<span>{CHAT}") : page.index(f"<span>{MAIL}")]
    assert "errcode 45009" in chat


def test_a_test_is_queued_for_the_worker_and_audited(browser: Browser, app: Flask) -> None:
    assert browser.send("/incidents/routes/", "/incidents/routes/desk/test") == "/incidents/routes/"
    page = in_english(browser).get("/incidents/routes/")
    desk = page[page.index('<th scope="row" class="words"><span>desk') :]
    assert "On its way" in desk
    assert "Notification route tried" in browser.get("/audit/")
    browser.send("/incidents/routes/", "/incidents/routes/pigeon/test", 404)


def test_an_incident_that_another_explains_names_it(browser: Browser) -> None:
    page = in_english(browser).get("/incidents/")
    page = browser.get(f"/incidents/{number(page, SILENT)}")
    assert "Nobody was told of this one: it follows from" in page
    assert f"{OUTAGE}</a>" in page


def test_an_incident_of_a_drill_is_marked_and_leads_to_the_drills_record(browser: Browser, app: Flask) -> None:
    console: Console = app.extensions["xinglin"]
    record = drill(console.clock() - timedelta(minutes=5))
    with console.sessions.begin() as session:
        desk = Desk(session, console.config, console.clock())
        opened = desk.open(silent("pacs1"), ProvidersStandIn(), drill=record.record_id)
        address = f"/incidents/{opened.id}"
    titles = row_titles(browser.get("/incidents/"))
    assert [title.startswith("【演练】") for title in titles] == [False, False, True, False]  # after what is real
    page = in_english(browser).get(address)
    assert "[Drill] pacs1 does not answer</h1>" in page
    assert "Belongs to a power drill" in page
    assert f'/power/records/{record.record_id}"' not in page  # it comes with the facts, within a minute
    with console.sessions.begin() as session:
        ingest_power(session, "appliance1", {"records": [to_json(record)]}, console.clock())
    page = browser.get(address)
    assert f'<a href="/power/records/{record.record_id}">The drill&#39;s record</a>' in page
    with console.sessions.begin() as session:
        incident = session.get(Incident, opened.id)
        assert incident is not None
        Desk(session, console.config, console.clock()).leave_drill(incident, ProvidersStandIn())
    page = browser.get(address)
    assert "[Drill]" not in page
    assert "Not explained by the drill any more" in page


def test_without_incidents_and_routes_the_pages_say_what_fills_them(
    empty_config: ConsoleConfig, make_app: Callable[[ConsoleConfig], Flask], clock: Clock
) -> None:
    app = make_app(empty_config)
    add_account(app)
    browser = in_english(Browser(app.test_client()).log_in())
    page = browser.get("/incidents/")
    assert "Nothing is open" in page
    assert "Nobody is told" in page
    assert 'class="count"' not in page
    assert "./xinglin provision --tags console" in browser.get("/incidents/routes/")
    browser.get("/incidents/4711", 404)


def test_old_resolved_incidents_are_read_page_by_page(browser: Browser, app: Flask, clock: Clock) -> None:
    console: Console = app.extensions["xinglin"]
    fill_resolved(console.config, console.sessions, clock(), 150)
    first = browser.get("/incidents/?show=resolved&q=old")
    older = re.search(r'href="(/incidents/[^"]*before=\d+)"', first)
    assert older is not None
    second = browser.get(older[1].replace("&amp;", "&"))
    titles = row_titles(first) + row_titles(second)
    assert (len(row_titles(first)), len(titles), len(set(titles))) == (100, 150, 150)
