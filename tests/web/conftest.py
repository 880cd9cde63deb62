"""The console's application over a filled or an empty store, and browsers without a browser."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from console.app import create_app
from console.audit.log import AuditLog
from console.auth.access import Access
from console.auth.accounts import create_account
from console.auth.firstlogin import issue_secret
from console.config import ConsoleConfig
from console.store.database import open_engine, session_factory, sqlite_url
from console.store.migrate import migrate
from console.store.models import Role
from console.web.context import Console
from tests.clock import Clock
from tests.web import clinic

# A working Monday, 10:41 in Shanghai.
NOW = datetime(2026, 11, 23, 2, 41, tzinfo=UTC)
PASSWORD = "Qing-he 2026 wei"
ORIGIN = "https://console.test"


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


def close(app: Flask) -> None:
    """Give the app's database connections back."""
    console: Console = app.extensions["xinglin"]
    console.sessions.kw["bind"].dispose()


@pytest.fixture(scope="session")
def filled_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory whose store holds the clinic; made once, copied by who needs it."""
    directory = tmp_path_factory.mktemp("clinic")
    config = clinic.configuration(directory)
    engine = open_engine(config.store_url)
    migrate(engine)
    clinic.fill(config, session_factory(engine), NOW)
    engine.dispose()
    return directory


@pytest.fixture
def empty_config(tmp_path: Path) -> ConsoleConfig:
    """The clinic's configuration over a store without a single row."""
    config = clinic.configuration(tmp_path)
    engine = open_engine(config.store_url)
    migrate(engine)
    engine.dispose()
    return config


@pytest.fixture
def config(filled_directory: Path, tmp_path: Path) -> ConsoleConfig:
    """The clinic's configuration over its own copy of the filled store."""
    directory = tmp_path / "state"
    shutil.copytree(filled_directory, directory)
    return replace(clinic.configuration(directory), store_url=sqlite_url(directory))


@pytest.fixture
def make_app(clock: Clock) -> Iterator[Callable[[ConsoleConfig], Flask]]:
    apps: list[Flask] = []

    def make(config: ConsoleConfig) -> Flask:
        app = create_app(config, clock)
        app.config["PROPAGATE_EXCEPTIONS"] = True
        apps.append(app)
        return app

    yield make
    for app in apps:
        close(app)


@pytest.fixture
def app(config: ConsoleConfig, make_app: Callable[[ConsoleConfig], Flask]) -> Flask:
    return make_app(config)


def add_account(app: Flask, username: str = "lihua", role: Role = Role.ADMINISTRATOR) -> None:
    """Make an account as the core does it."""
    console: Console = app.extensions["xinglin"]
    with console.sessions.begin() as session:
        access = Access(session, AuditLog(console.config.audit_directory, now=console.clock), console.clock())
        create_account(access, username, PASSWORD, role, actor="test")


def first_login_secret(app: Flask) -> str:
    """Return a one-time secret, as `xinglin console first-login` prints it."""
    console: Console = app.extensions["xinglin"]
    with console.sessions.begin() as session:
        access = Access(session, AuditLog(console.config.audit_directory, now=console.clock), console.clock())
        secret = issue_secret(access, actor="test")
    assert secret is not None
    return secret


def token(page: str) -> str:
    """Return the CSRF token of a page's form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None, page[:500]
    return found[1]


class Browser:
    """A test client that speaks TLS, keeps cookies and sends tokens and the referrer as a browser does."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, status: int = 200, **headers: str) -> str:
        """Return the text of a page."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.get(path, base_url=ORIGIN, headers=sent, buffered=True)
        assert answer.status_code == status, (path, answer.status_code, answer.text[:300])
        return answer.text

    def send(self, form_page: str, action: str, status: int = 302, /, **fields: str) -> str:
        """Fill the form of ``form_page`` and send it to ``action``; return the answer's text or its new address."""
        fields["csrf_token"] = token(self.get(form_page))
        answer = self.client.post(action, base_url=ORIGIN, data=fields, headers={"Referer": ORIGIN + form_page})
        assert answer.status_code == status, (action, answer.status_code, answer.text[:300])
        return answer.headers["Location"] if status in {302, 303} else answer.text

    def log_in(self, username: str = "lihua", password: str = PASSWORD) -> "Browser":
        """Log in through the form."""
        self.send("/login", "/login", username=username, password=password)
        return self


@pytest.fixture
def stranger(app: Flask) -> Browser:
    add_account(app)
    return Browser(app.test_client())


@pytest.fixture
def browser(stranger: Browser) -> Browser:
    """The administrator, logged in."""
    return stranger.log_in()
