"""Every page over the filled clinic: it shows what the store holds, in both languages."""

import pytest

from tests.web.conftest import Browser

PAGES = ["/", "/hosts/", "/hosts/his1", "/backups/", "/runs/", "/compliance/", "/audit/", "/password"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_answers_in_chinese_and_english(browser: Browser, path: str) -> None:
    assert 'lang="zh-CN"' in browser.get(path)
    browser.send(path, "/preferences", locale="en", back=path)
    assert '<html lang="en"' in browser.get(path)
