"""The README's pictures: this console, over the invented clinic."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Site
from tests.browser.test_reading import log_in

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).parents[2] / "docs" / "screenshots"
PAGES = {
    "overview": "/",
    "host": "/hosts/his1",
    "backups": "/backups/",
    "power": "/power/",
    "compliance": "/compliance/",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_picture_for_the_readme(
    site: Site, open_page: Callable[..., Page], tmp_path: Path, name: str, request: pytest.FixtureRequest
) -> None:
    page = open_page(site, viewport={"width": 1280, "height": 860}, locale="zh-CN")
    log_in(page, site)
    page.goto(PAGES[name])
    if name == "host":
        page.wait_for_selector("#charts[data-ready]")
    keep = request.config.getoption(
        "--write-screenshots", default=False
    )  # unknown when pytest starts above this folder
    picture = (PICTURES if keep else tmp_path) / f"{name}.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=picture, animations="disabled")
    assert picture.stat().st_size > 40_000  # a blank page of this size has 6 kB
    assert (PICTURES / f"{name}.png").is_file()
