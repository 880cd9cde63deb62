"""Log in with a real browser and read every page, in both languages, by keyboard and on a telephone.

Every test also fails when the browser complains: a CSP violation, an error, a request that leaves the origin.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from console.config import ConsoleConfig
from console.store.models import BackupRunRow, HostLatest
from console.web.context import Console
from tests.browser.conftest import USERNAME, Site, first_login
from tests.web.conftest import PASSWORD, add_account

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
PAGES = {
    "/": ("概览", "Overview"),
    "/incidents/": ("告警", "Incidents"),
    "/hosts/": ("主机", "Hosts"),
    "/backups/": ("备份", "Backups"),
    "/runs/": ("作业", "Runs"),
    "/compliance/": ("合规", "Compliance"),
    "/audit/": ("审计", "Audit"),
}


def log_in(page: Page, site: Site) -> None:
    """Log in with a name and a password."""
    add_account(site.app)
    page.goto("/login")
    page.locator("#username").fill(USERNAME)
    page.locator("#password").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(site.origin + "/")


def test_the_first_login_and_every_page_in_both_languages(
    serve: Callable[[ConsoleConfig], Site], empty_config: ConsoleConfig, open_page: Open
) -> None:
    site = serve(empty_config)
    page = open_page(site)
    first_login(page, site)
    expect(page.get_by_role("status")).to_contain_text("第一个账号已创建")
    for column in (0, 1):
        for path, titles in PAGES.items():
            page.goto(path)
            expect(page.get_by_role("heading", level=1)).to_have_text(titles[column])
        if column == 0:
            page.get_by_role("button", name="English").click()
            expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_hosts_charts_are_drawn_and_have_a_table_beside_them(site: Site, open_page: Open) -> None:
    page = open_page(site)
    log_in(page, site)
    page.goto("/hosts/")
    page.get_by_role("link", name="his1").click()
    page.wait_for_selector("#charts[data-ready]")
    expect(page.locator(".chart canvas")).to_have_count(6)
    chart = page.locator("figure[data-chart=cpu]")
    assert chart.locator("canvas").evaluate(
        "(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte)"
    )
    chart.get_by_text("以表格查看数值").click()
    expect(chart.get_by_role("row").nth(1)).to_contain_text("最高")
    page.get_by_role("link", name="7 天").click()
    page.wait_for_selector("#charts[data-ready]")


def test_rows_are_filtered_by_keyboard_and_the_filter_can_be_undone(site: Site, open_page: Open) -> None:
    page = open_page(site)
    log_in(page, site)
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/hosts/")
    page.keyboard.press("/")
    page.keyboard.type("vault")
    expect(page.locator("#hosts tbody tr:visible")).to_have_count(1)
    page.keyboard.type("xyz")
    expect(page.locator("#nothing")).to_be_visible()
    page.get_by_role("button", name="清除搜索").click()
    expect(page.locator("#hosts tbody tr:visible")).to_have_count(5)


def test_keyboard_focus_is_visible_and_the_first_stop_skips_the_menu(site: Site, open_page: Open) -> None:
    page = open_page(site)
    log_in(page, site)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("跳到正文")
    expect(page.locator(":focus")).to_be_in_viewport()
    for _stop in range(8):
        page.keyboard.press("Tab")
        outline = page.locator(":focus").evaluate("(element) => getComputedStyle(element).outlineStyle")
        assert outline == "solid"


BACKUPS = ["repositories", "restores", "records", "restores/20261116T094100Z-his-77af03"]


@pytest.mark.parametrize(
    "path", [*PAGES, "/hosts/his1", "/compliance/7.1.4.1.a", *(f"/backups/{name}" for name in BACKUPS)]
)
def test_nothing_is_wider_than_a_telephone(site: Site, open_page: Open, path: str) -> None:
    page = open_page(site, viewport={"width": 390, "height": 844}, has_touch=True)
    log_in(page, site)
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator(".menu a").first.bounding_box()
    assert box is not None
    assert box["height"] >= 44


def test_a_page_refreshes_its_live_parts_by_itself(site: Site, open_page: Open) -> None:
    page = open_page(site)
    page.clock.install()
    log_in(page, site)
    page.locator("#now").evaluate("(element) => { element.textContent = 'old'; }")
    with page.expect_response(lambda answer: answer.url == site.origin + "/"):
        page.clock.run_for(16_000)
    expect(page.locator("#now")).to_contain_text("数据截至")


def test_a_backup_under_way_moves_on_by_itself_and_goes_when_it_is_done(site: Site, open_page: Open) -> None:
    page = open_page(site)
    page.clock.install()
    log_in(page, site)
    page.goto("/backups/")
    running = page.locator("#running-now")
    expect(running).to_contain_text("62.0%")
    report_progress(site, 0.81)
    page.clock.run_for(16_000)
    expect(running).to_contain_text("81.0%")
    report_progress(site, None)
    page.clock.run_for(16_000)
    expect(running).to_be_hidden()


def report_progress(site: Site, ratio: float | None) -> None:
    """Write what the worker would have scraped of pacs1; None: its run has ended."""
    console: Console = site.app.extensions["xinglin"]
    with console.sessions.begin() as session:
        row = session.get(HostLatest, "pacs1")
        assert row is not None
        progress = None if ratio is None else {**row.snapshot["progress"], "ratio": ratio}
        row.snapshot = {**row.snapshot, "progress": progress}
        if ratio is None:
            session.execute(update(BackupRunRow).where(BackupRunRow.outcome == "running").values(outcome="success"))


def test_the_nights_can_be_walked_by_keyboard_and_each_says_what_it_was(site: Site, open_page: Open) -> None:
    page = open_page(site)
    log_in(page, site)
    page.goto("/backups/?host=his1")
    nights = page.get_by_role("table", name="his1").get_by_role("link")
    nights.first.focus()
    expect(page.locator(":focus")).to_have_accessible_name("2026-10-26：恢复已验证")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_accessible_name("2026-10-27：恢复已验证")
    expect(nights.nth(8)).to_have_accessible_name("2026-11-03：已备份，未验证")
    page.keyboard.press("Enter")
    page.wait_for_url("**/backups/runs/20261026*")


def test_the_chosen_colours_win_over_the_devices(site: Site, open_page: Open) -> None:
    page = open_page(site, color_scheme="light")
    page.goto("/login")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    for theme in ("light", "dark"):
        page.locator("button[name=theme]").click()
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
    assert page.evaluate(ground) != light
