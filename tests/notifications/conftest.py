"""Servers that play the other side, and messages to send."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from console.notifications.message import Kind, Message
from console.notifications.transport import Parcel, trusting
from console.notifications.writing import Style
from console.rules.problem import Severity
from tests.agent.pki import Authority
from tests.notifications.cloud import CloudStandIn
from tests.notifications.mail_server import Manners, SmtpServer

NOW = datetime(2026, 11, 23, 8, 50, 12, tzinfo=UTC)
STYLE = Style("zh_CN", ZoneInfo("Asia/Shanghai"))
MESSAGE = Message(
    key="inc-7f3a-opened",
    incident_id=7,
    kind=Kind.OPENED,
    severity=Severity.CRIT,
    at=NOW,
    title_zh="机柜 UPS 由电池供电",
    title_en="rack-ups runs on its battery",
    body_zh="电量 98%，按目前负载还能供电 41 分钟。\n下一步：查看市电；来电前不要开新设备。",
    body_en="Charge 98%; 41 min at the present load.\nNext: look at the mains.",
    facility_zh="清河镇卫生院",
    url="https://198.18.0.10:8443/incidents/7",
)


def now() -> datetime:
    """Return the tests' moment."""
    return NOW


def parcel(*messages: Message) -> Parcel:
    """Return an attempt's load."""
    chosen = messages or (MESSAGE,)
    return Parcel("+".join(one.key for one in chosen), chosen)


def another(number: int, **changes: object) -> Message:
    """Return a message of another incident."""
    named = {"key": f"inc-{number}", "incident_id": number, "title_zh": f"第 {number} 件"}
    return replace(MESSAGE, **(named | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def context(authority: Authority) -> ssl.SSLContext:
    return trusting(authority.certificate)


@pytest.fixture
def cloud(authority: Authority) -> Iterator[Callable[[str], CloudStandIn]]:
    """Start a stand-in whose certificate is for a name."""
    running: list[CloudStandIn] = []

    def start(name: str) -> CloudStandIn:
        running.append(CloudStandIn(authority.issue(name)))
        return running[-1]

    yield start
    for one in running:
        one.close()


@pytest.fixture
def smtp(authority: Authority) -> Iterator[SmtpServer]:
    server = SmtpServer(authority.issue("mail.test"), Manners())
    yield server
    server.close()


@pytest.fixture
def bundle(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let requests trust the tests' authority, as a site does for its own."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.certificate))
    return authority.certificate
