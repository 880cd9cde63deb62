"""Look into a backup and take one file out of it, with a real browser, repository and browse service."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from console.config import ConsoleConfig
from tests.browser.conftest import Site
from tests.browser.test_reading import log_in
from tests.web.test_snapshots import PERSON, REASON, Made, address, made, report_night, service  # noqa: F401 — fixtures

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
WIDTHS = (1280, 390)
PAGES = ("list", "backup", "directory", "download", "dump")


@pytest.fixture
def site(serve: Callable[[ConsoleConfig], Site], config: ConsoleConfig, service: Path, made: Made) -> Site:  # noqa: F811
    """The clinic's console with a look into the backups of his1."""
    site = serve(replace(config, browse_socket=service))
    report_night(site.app, made)
    return site


def where(made: Made, name: str) -> str:  # noqa: F811
    """Return the address of a page."""
    return {
        "list": "/backups/snapshots/his1/",
        "backup": address(made.sealing),
        "directory": address(made.sealing, str(made.files)),
        "download": address(made.sealing, str(made.files / PERSON), "file"),
        "dump": address(made.dump, "/his.dump", "file"),
    }[name]


def test_one_walks_to_a_file_and_takes_it_home(site: Site, open_page: Open, made: Made, tmp_path: Path) -> None:  # noqa: F811
    page = open_page(site)
    log_in(page, site)
    page.goto("/backups/?host=his1")
    page.get_by_role("link", name="浏览快照").click()
    page.get_by_role("link", name=made.sealing[:12]).or_(page.locator(f'main a[href*="{made.sealing}"]')).first.click()
    expect(page.get_by_text("已验证").or_(page.get_by_text("已证明")).first).to_be_visible()
    page.get_by_role("link", name=str(made.files)).click()
    page.locator("#search").fill("病历")
    expect(page.locator("#names tbody tr:visible")).to_have_count(1)
    page.get_by_role("link", name="病历 目录/").click()
    page.get_by_role("link", name="张三").click()
    page.locator("#reason").fill(REASON)
    with page.expect_download() as coming:
        page.locator("main form button").click()
    coming.value.save_as(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == (made.files / PERSON).read_bytes()
    assert "张三" in coming.value.suggested_filename


def test_without_a_reason_the_browser_says_so_and_stays(site: Site, open_page: Open, made: Made) -> None:  # noqa: F811
    page = open_page(site)
    log_in(page, site)
    page.goto(where(made, "dump"))
    expect(page.get_by_role("note")).to_contain_text("全部患者的数据")
    page.locator("main form button").click()
    assert page.locator("#reason").evaluate("(field) => field.validity.valueMissing")
    expect(page.get_by_role("note")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_look_into_a_backup_fits_every_screen_in_both_languages(
    site: Site,
    open_page: Open,
    made: Made,  # noqa: F811
    name: str,
    width: int,
) -> None:
    page = open_page(site, viewport={"width": width, "height": 844})
    log_in(page, site)
    page.goto(where(made, name))
    for language in ("zh-CN", "en"):
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if language == "zh-CN":
            page.get_by_role("button", name="English").click()
