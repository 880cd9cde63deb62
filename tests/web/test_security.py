"""Headers, cookies and templates that leave a hostile script nothing to stand on."""

import re
from pathlib import Path

import pytest

from tests.web.conftest import ORIGIN, PASSWORD, Browser, token

WEB = Path(__file__).parents[2] / "console" / "web"
TEMPLATES = sorted((WEB / "templates").glob("*.html"))


@pytest.mark.parametrize("path", ["/login", "/", "/nowhere", "/static/parts.css", "/healthz"])
def test_every_answer_carries_the_security_headers(browser: Browser, path: str) -> None:
    headers = browser.client.get(path, base_url=ORIGIN, buffered=True).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "*" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_pages_stay_out_of_caches_and_files_with_a_digest_in_them(browser: Browser) -> None:
    page = browser.client.get("/", base_url=ORIGIN)
    assert page.headers["Cache-Control"] == "no-store"
    sheet = re.search(r'href="(/static/parts\.css\?v=[0-9a-f]+)"', page.text)
    assert sheet is not None
    assert "immutable" in browser.client.get(sheet[1], base_url=ORIGIN, buffered=True).headers["Cache-Control"]


def test_the_session_cookie_is_bound_to_this_host_over_tls(stranger: Browser) -> None:
    fields = {"csrf_token": token(stranger.get("/login")), "username": "lihua", "password": PASSWORD}
    answer = stranger.client.post("/login", base_url=ORIGIN, data=fields, headers={"Referer": ORIGIN + "/login"})
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith("__Host-xinglin="))
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_inline_code_or_style_or_turns_escaping_off(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert "| safe" not in text
    assert "autoescape false" not in text
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_form_that_changes_something_carries_a_token(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert len(re.findall(r'method="post"', text)) == text.count('name="csrf_token"')


def test_only_the_named_vendor_files_are_served(browser: Browser) -> None:
    assert "uPlot" in browser.get("/vendor/uPlot.iife.min.js")[:200]
    for path in ("/vendor/package.json", "/vendor/..%2fpackage.json", "/vendor/uPlot.cjs.js"):
        browser.get(path, status=404)


def test_what_a_host_says_is_shown_as_text_never_as_markup(browser: Browser, app: object) -> None:
    page = browser.get("/login?next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", status=200)
    assert "<script>alert" not in page
