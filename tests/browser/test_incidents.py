"""Incidents in a real browser: on a desk and on a telephone, in the dark, by keyboard, without a single complaint."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from console.config import ConsoleConfig
from console.web.context import Console
from tests.browser.conftest import USERNAME, Site
from tests.browser.test_reading import log_in
from tests.web.alarms import POWER, ROUTES, fill
from tests.web.conftest import NOW

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
PATHS = ("/incidents/", "/incidents/1", "/incidents/2", "/incidents/routes/", "/")


@pytest.fixture
def night(serve: Callable[[ConsoleConfig], Site], empty_config: ConsoleConfig) -> Site:
    """A console in a night of a power cut."""
    site = serve(replace(empty_config, notifications=ROUTES, power=POWER))
    console: Console = site.app.extensions["xinglin"]
    fill(console.config, console.sessions, NOW)
    return site


def fits(page: Page) -> bool:
    """Return whether nothing sticks out to the right."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_an_incident_is_found_taken_care_of_and_closed_by_keyboard(night: Site, open_page: Open) -> None:
    page = open_page(night)
    log_in(page, night)
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/incidents/")
    expect(page.locator(".menu .count")).to_have_text("未恢复： 3")
    page.keyboard.press("/")
    page.keyboard.type("rack")
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents/?q=rack")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("tbody tr a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents/1")
    page.locator("#comment").fill("去配电间查看")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text(f"由 {USERNAME} 处理")
    expect(page.locator(".history")).to_contain_text("去配电间查看")
    page.get_by_role("button", name="按此原因关闭").click()
    assert page.locator("#reason").evaluate("(field) => !field.validity.valid")
    page.locator("#reason").fill("来电，机柜正常")
    page.get_by_role("button", name="按此原因关闭").click()
    expect(page.get_by_role("status")).to_contain_text("告警已关闭")
    expect(page.locator(".menu .count")).to_have_text("未恢复： 2")


def test_a_test_message_is_asked_for(night: Site, open_page: Open) -> None:
    page = open_page(night)
    log_in(page, night)
    page.goto("/incidents/routes/")
    page.get_by_role("button", name="发送测试 desk").click()
    expect(page.get_by_role("status")).to_contain_text("测试消息正通过 desk 发送")
    expect(page.locator("tbody tr").nth(2)).to_contain_text("发送中")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_pages_fit_a_desk_and_a_telephone(
    night: Site, open_page: Open, tmp_path: Path, scheme: str, width: int
) -> None:
    page = open_page(night, viewport={"width": width, "height": 860}, color_scheme=scheme, locale="zh-CN")
    log_in(page, night)
    for language, other in (("zh-CN", "en"), ("en", "zh-CN")):
        for number, path in enumerate(PATHS):
            page.goto(path)
            expect(page.locator("html")).to_have_attribute("lang", language)
            page.screenshot(path=tmp_path / f"{number}-{language}.png", animations="disabled")
            assert fits(page), (path, language)
        page.locator("button[name=locale]").click()
        # Going on at once would break off the answer that sets the language.
        expect(page.locator("html")).to_have_attribute("lang", other)
