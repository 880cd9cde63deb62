"""Power and devices in a real browser: drawn, readable by keyboard and on a telephone, in both languages."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from console.config import ConsoleConfig
from console.web.context import Console
from tests.browser.conftest import Site
from tests.browser.test_reading import log_in
from tests.clock import Clock
from tests.web import electricity
from tests.web.test_power import RECORD, both

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
PATHS = ["/power/", "/power/rack-ups", "/power/records/", RECORD, "/power/drill/", "/devices/", "/devices/sw-core"]
WIDTHS = (1280, 390)


@pytest.mark.parametrize("width", WIDTHS)
def test_power_and_devices_fit_every_screen_in_both_languages(
    site: Site, open_page: Open, width: int, tmp_path: Path
) -> None:
    page = open_page(site, viewport={"width": width, "height": 900}, color_scheme="dark" if width < 900 else "light")
    both(site.app, electricity.ON_BATTERY, electricity.ON_BATTERY)
    log_in(page, site)
    for language, other in (("zh-CN", "en"), ("en", "zh-CN")):
        for number, path in enumerate(PATHS):
            page.goto(path)
            expect(page.locator("html")).to_have_attribute("lang", language)
            if page.locator("#charts").count():
                page.wait_for_selector("#charts[data-ready]")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            picture = tmp_path / f"{number}-{language}.png"
            page.screenshot(path=picture, full_page=True, animations="disabled")
            assert picture.stat().st_size > 30_000
        page.get_by_role("button", name="English").or_(page.get_by_role("button", name="中文")).click()
        # Going on at once would break off the answer that sets the language.
        expect(page.locator("html")).to_have_attribute("lang", other)


def test_the_drawing_says_in_words_what_it_shows(site: Site, open_page: Open) -> None:
    page = open_page(site)
    log_in(page, site)
    page.goto("/power/")
    rack = page.locator("#ups-rack-ups")
    expect(rack.get_by_role("img", name="市电正常")).to_be_visible()
    expect(rack.get_by_role("img", name="机柜 UPS 的电池：100%，市电供电")).to_be_visible()
    hosts = rack.get_by_role("list", name="所供主机，按关机次序").get_by_role("link")
    assert [text.split()[0] for text in hosts.all_inner_texts()] == ["desk1", "his1", "pacs1", "appliance1"]
    hosts.first.focus()
    outline = page.locator(":focus").evaluate("(element) => getComputedStyle(element).outlineStyle")
    assert outline == "solid"


@pytest.mark.parametrize(("motion", "animation"), [("reduce", "none"), ("no-preference", "draining")])
def test_the_battery_pulses_only_on_battery_and_only_where_motion_is_welcome(
    site: Site, open_page: Open, motion: str, animation: str
) -> None:
    page = open_page(site, reduced_motion=motion)
    log_in(page, site)
    page.goto("/power/")
    name = "(element) => getComputedStyle(element).animationName"
    fill = page.locator("#ups-rack-ups .battery .fill")
    assert fill.evaluate(name) == "none"
    both(site.app, electricity.ON_BATTERY, electricity.ON_BATTERY)
    page.reload()
    assert fill.evaluate(name) == animation


def test_a_power_cut_shows_by_itself_and_so_does_silence(site: Site, open_page: Open, clock: Clock) -> None:
    page = open_page(site)
    page.clock.install()
    log_in(page, site)
    page.goto("/power/")
    drawing = page.locator("#ups-rack-ups .feed")
    expect(drawing).to_have_attribute("data-condition", "on_mains")
    both(site.app, electricity.ON_BATTERY, electricity.ON_BATTERY)
    page.clock.run_for(16_000)
    expect(drawing).to_have_attribute("data-condition", "on_battery")
    console: Console = site.app.extensions["xinglin"]
    assert console.clock is clock
    clock.moment += timedelta(minutes=5)
    page.clock.run_for(16_000)
    expect(drawing).to_have_attribute("data-condition", "lost_on_battery")


def test_a_drill_is_asked_for_by_keyboard(site: Site, open_page: Open, config: ConsoleConfig) -> None:
    config.drill_directory.mkdir(parents=True)
    page = open_page(site)
    log_in(page, site)
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/power/")
    page.get_by_role("link", name="发起演练").first.click()
    page.locator("#reason").fill("季度演练")
    page.locator("#name").fill("清河镇卫生院")
    page.keyboard.press("Enter")
    expect(page.get_by_text("正在等待供电守护进程")).to_be_visible()
    assert (config.drill_directory / "request.json").is_file()
