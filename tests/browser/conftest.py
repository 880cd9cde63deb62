"""A real Chromium against the console over TLS on loopback (``__Host-`` cookies need TLS)."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from console.config import ConsoleConfig
from console.web import vendor
from tests.web.conftest import (  # noqa: F401 — fixtures
    PASSWORD,
    clock,
    config,
    empty_config,
    filled_directory,
    first_login_secret,
    make_app,
)

CHROMIUM = Path("/usr/bin/chromium")
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
USERNAME = "lihua"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch with which the README's pictures are made anew."""
    parser.addoption("--write-screenshots", action="store_true", help="write docs/screenshots/*.png")


@dataclass
class Watch:
    """What went wrong in a browser while nobody looked at it."""

    origin: str
    complaints: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Note console errors and warnings, uncaught errors, CSP violations, failed requests, foreign requests."""
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", self._asked)
        page.on("requestfailed", self._failed)
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (event) => "
            "console.error('CSP ' + event.violatedDirective + ' ' + event.blockedURI))"
        )

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page was left before all of it had come
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.origin + "/", "data:")):
            self.complaints.append(f"left the origin: {request.url}")


class Quiet(WSGIRequestHandler):
    """Keep connections open (a TLS handshake for each file is slow) and say nothing on the terminal."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@dataclass
class Site:
    """A served application."""

    app: Flask
    origin: str


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: install the Debian package chromium")
    vendor.ensure()
    expect.set_options(timeout=30_000)  # a bound for what never comes, as long as Playwright's for a page
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield browser
        browser.close()


@pytest.fixture
def serve(make_app: Callable[[ConsoleConfig], Flask]) -> Iterator[Callable[[ConsoleConfig], Site]]:  # noqa: F811
    running = []

    def start(wanted: ConsoleConfig) -> Site:
        app = make_app(wanted)
        server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context="adhoc", request_handler=Quiet)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        return Site(app, f"https://127.0.0.1:{server.server_port}")

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site(serve: Callable[[ConsoleConfig], Site], config: ConsoleConfig) -> Site:  # noqa: F811
    return serve(config)


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open a fresh browser profile at a site; afterwards nothing may have gone wrong in it."""
    contexts: list[BrowserContext] = []
    watches: list[Watch] = []

    def open_(site: Site, **options: object) -> Page:
        context = chromium.new_context(ignore_https_errors=True, base_url=site.origin, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        watch = Watch(site.origin)
        watch.follow(page)
        watches.append(watch)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [complaint for watch in watches for complaint in watch.complaints] == []


def first_login(page: Page, site: Site) -> None:
    """Log in for the first time, as the person in front of the screen does."""
    page.goto("/")
    page.get_by_label("一次性密码").fill(first_login_secret(site.app))
    page.get_by_label("用户名").fill(USERNAME)
    page.locator("#password").fill(PASSWORD)
    page.locator("#again").fill(PASSWORD)
    page.get_by_role("button", name="创建账号并登录").click()
    page.wait_for_url(site.origin + "/")
