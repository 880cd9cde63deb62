"""The door: first login, login, lock-out, idle logout, roles, forged forms."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from console.audit.record import parse
from console.auth.sessions import IDLE, SEEN_STEP, end_session, session_account
from console.config import ConsoleConfig
from console.store.models import Account, Role
from console.web import visitor
from console.web.context import Console
from tests.clock import Clock
from tests.web.conftest import NOW, ORIGIN, PASSWORD, Browser, add_account, first_login_secret

PATHS = ["/", "/hosts/", "/hosts/his1/charts.json", "/backups/", "/runs/", "/compliance/", "/audit/", "/password"]


def actions(config: ConsoleConfig) -> list[tuple[str, str, str]]:
    """Return (actor, action, result) of today's audit records."""
    lines = (config.audit_directory / "log" / f"{NOW:%Y-%m-%d}.jsonl").read_bytes().splitlines(keepends=True)
    records = [parse(line) for line in lines]
    return [(record.actor, record.action, record.result) for record in records if record is not None]


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_is_sent_to_the_login(stranger: Browser, path: str) -> None:
    answer = stranger.client.get(path, base_url=ORIGIN)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login")


def test_the_first_login_makes_the_first_account_with_the_one_time_secret(
    empty_config: ConsoleConfig, make_app: Callable[[ConsoleConfig], Flask]
) -> None:
    app = make_app(empty_config)
    browser = Browser(app.test_client())
    secret = first_login_secret(app)
    assert browser.client.get("/login", base_url=ORIGIN).headers["Location"] == "/first-login"
    fields = {"username": "lihua", "password": PASSWORD, "again": PASSWORD}
    assert "xinglin console first-login" in browser.send("/first-login", "/first-login", 422, secret="WRONG", **fields)
    weak = fields | {"password": "short", "again": "short"}
    assert "10" in browser.send("/first-login", "/first-login", 422, secret=secret, **weak)
    assert browser.send("/first-login", "/first-login", 302, secret=secret, **fields) == "/"
    browser.get("/")
    again = Browser(app.test_client())
    assert again.client.get("/first-login", base_url=ORIGIN).headers["Location"] == "/login"
    assert ("lihua", "first_login.redeemed", "success") in actions(empty_config)


def test_a_login_leads_to_the_page_that_was_asked_for_and_never_off_the_console(stranger: Browser) -> None:
    wrong_site = "https://example.invalid/"
    fields = {"username": "lihua", "password": PASSWORD}
    assert stranger.send("/login", "/login", 302, next="/backups/?host=his1", **fields) == "/backups/?host=his1"
    for trick in (wrong_site, "//example.invalid", "/\\example.invalid", "javascript:alert(1)"):
        stranger.send("/", "/logout")
        assert stranger.send("/login", "/login", 302, next=trick, **fields) == "/"


def test_five_wrong_passwords_lock_the_account_and_the_page_says_for_how_long(
    stranger: Browser, clock: Clock, config: ConsoleConfig
) -> None:
    for _attempt in range(4):
        assert "用户名或密码错误" in stranger.send("/login", "/login", 403, username="lihua", password="wrong")
    assert "15 分钟" in stranger.send("/login", "/login", 403, username="lihua", password="wrong")
    assert "15 分钟" in stranger.send("/login", "/login", 403, username="lihua", password=PASSWORD)
    clock.moment += timedelta(minutes=16)
    stranger.log_in()
    assert ("system", "account.locked", "success") in actions(config)


def test_an_unknown_name_is_refused_with_the_same_words(stranger: Browser) -> None:
    known = stranger.send("/login", "/login", 403, username="lihua", password="wrong")
    unknown = stranger.send("/login", "/login", 403, username="nobody", password="wrong")
    message = re.compile(r'role="alert" id="problem">([^<]+)<')
    assert message.findall(known) == message.findall(unknown) != []


def test_an_idle_browser_is_logged_out_and_a_refreshing_page_does_not_keep_it_in(
    browser: Browser, clock: Clock
) -> None:
    browser.get("/")
    steps = 6
    for _step in range(steps - 1):
        clock.moment += IDLE / steps
        browser.get("/", X_Xinglin_Background="1")
    clock.moment += IDLE / steps
    assert browser.client.get("/", base_url=ORIGIN).status_code == 302
    assert "长时间未操作" in browser.get("/login")


def test_work_keeps_a_browser_logged_in(browser: Browser, clock: Clock) -> None:
    for _step in range(6):
        clock.moment += IDLE / 2
        browser.get("/")


def test_logging_out_ends_the_session_even_for_a_stolen_cookie(
    browser: Browser, app: Flask, config: ConsoleConfig
) -> None:
    stolen = browser.client.get_cookie("__Host-xinglin", domain="console.test")
    assert stolen is not None
    assert browser.send("/", "/logout") == "/login"
    thief = app.test_client()
    thief.set_cookie("__Host-xinglin", stolen.value, domain="console.test", secure=True, path="/")
    assert thief.get("/", base_url=ORIGIN).status_code == 302
    assert ("lihua", "logout", "success") in actions(config)


def test_a_page_that_is_asked_for_while_another_tab_logs_out_leads_to_the_login(
    browser: Browser, app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    console: Console = app.extensions["xinglin"]

    def log_out_between(store: Session, token: str, now: datetime) -> Account | None:
        account = session_account(store, token, now)
        with console.sessions.begin() as other:
            end_session(other, token)
        return account

    monkeypatch.setattr(visitor, "session_account", log_out_between)
    clock.moment += 2 * SEEN_STEP
    assert browser.client.get("/", base_url=ORIGIN).headers["Location"].startswith("/login")


@pytest.mark.parametrize("path", ["/logout", "/password", "/preferences", "/audit/verify", "/login", "/first-login"])
def test_a_form_without_its_token_is_refused_and_changes_nothing(browser: Browser, path: str) -> None:
    answer = browser.client.post(path, base_url=ORIGIN, headers={"Referer": ORIGIN + "/"})
    assert answer.status_code == 400
    browser.get("/")


def test_a_new_password_ends_every_session_and_is_the_only_one_that_works(browser: Browser, app: Flask) -> None:
    other = Browser(app.test_client()).log_in()
    new = "Ming-tian 8 dian!"
    wrong = browser.send("/password", "/password", 422, old="wrong", password=new, again=new)
    assert 'role="alert"' in wrong
    assert browser.send("/password", "/password", old=PASSWORD, password=new, again=new) == "/login"
    assert other.client.get("/", base_url=ORIGIN).status_code == 302
    browser.send("/login", "/login", 403, username="lihua", password=PASSWORD)
    browser.log_in(password=new)


def test_the_audit_log_is_closed_to_the_ops_role_and_open_to_the_auditor(browser: Browser, app: Flask) -> None:
    for name, role, status in (("wang", Role.OPERATOR, 403), ("zhao", Role.AUDITOR, 200)):
        add_account(app, name, role)
        person = Browser(app.test_client()).log_in(name)
        person.get("/audit/", status=status)
        assert ('href="/audit/"' in person.get("/")) is (status == 200)


def test_the_chosen_language_stays_with_the_account(browser: Browser, app: Flask) -> None:
    browser.send("/", "/preferences", locale="en", back="/hosts/")
    elsewhere = Browser(app.test_client())
    assert '<html lang="zh-CN"' in elsewhere.get("/login")
    assert '<html lang="en"' in elsewhere.log_in().get("/")


def test_the_chosen_colours_stay_in_the_browser(browser: Browser) -> None:
    assert "prefers-color-scheme: dark" in browser.get("/")
    browser.send("/", "/preferences", theme="dark", back="/")
    assert 'media="screen"' in browser.get("/")
    browser.send("/", "/preferences", theme="light", back="/")
    assert "dark.css" not in browser.get("/")
