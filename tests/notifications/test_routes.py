"""All routes together: who wants what, limits, hanging providers, secrets."""

import json
import logging
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from console.configcheck import ConfigError, Reader
from console.notifications.limit import MOST, PER_SECONDS
from console.notifications.message import Channel, Delivery, Kind, Outcome, Route
from console.notifications.opening import open_routes
from console.notifications.plan import read_notifications
from console.notifications.redaction import HIDDEN, Redactor
from console.notifications.routes import FacilityRoutes
from console.notifications.secrets import Secrets, load_secrets, secrets_file
from console.notifications.transport import Parcel
from console.notifications.webhook import WebhookTransport
from console.notifications.writing import Style, cut, write
from console.rules.problem import Severity
from tests.console.fixture_config import console_config
from tests.notifications.cloud import CloudStandIn
from tests.notifications.conftest import MESSAGE, STYLE, another, now
from tests.notifications.mail_server import SmtpServer

Start = Callable[[str], CloudStandIn]
REFUSED = Outcome.REFUSED
URGENT = Route("urgent", Channel.WEBHOOK, (Severity.CRIT,))
DAILY = Route("daily", Channel.WEBHOOK, (Severity.CRIT, Severity.WARN))


class Ticks:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def receiver(cloud: Start) -> CloudStandIn:
    return cloud("hook.test")


def hook(receiver: CloudStandIn, context: ssl.SSLContext) -> WebhookTransport:
    return WebhookTransport(receiver.address(), None, context, now)


def test_each_severity_finds_its_routes(receiver: CloudStandIn, context: ssl.SSLContext):
    one = hook(receiver, context)
    routes = FacilityRoutes({URGENT: one, DAILY: one}, Redactor([]))
    assert routes.for_severity(Severity.CRIT) == (URGENT, DAILY)
    assert routes.for_severity(Severity.WARN) == (DAILY,)


def test_a_route_that_was_removed_refuses(receiver: CloudStandIn, context: ssl.SSLContext):
    delivery = FacilityRoutes({}, Redactor([])).send("urgent", MESSAGE)
    assert delivery == Delivery(Outcome.REFUSED, "the facility no longer has a route urgent")


def test_twenty_a_minute_then_the_rest_together(receiver: CloudStandIn, context: ssl.SSLContext):
    ticks = Ticks()
    routes = FacilityRoutes({DAILY: hook(receiver, context)}, Redactor([]), ticks)
    for number in range(MOST):
        assert routes.room("daily") == MOST - number
        assert routes.send("daily", another(number)).outcome is Outcome.DELIVERED
        ticks.seconds += 1
    held = routes.send("daily", another(99))
    assert (held.outcome, held.retry_after_seconds) == (Outcome.RETRY, PER_SECONDS - MOST)
    assert len(receiver.asked) == MOST
    ticks.seconds += PER_SECONDS - MOST
    assert routes.room("daily") == 1
    assert routes.send("daily", another(99), another(100)).outcome is Outcome.DELIVERED
    assert [one["incident_id"] for one in receiver.asked[-1].document["messages"]] == [99, 100]


class HangingStandIn:
    """A transport whose first attempt hangs until the test lets it end."""

    def __init__(self) -> None:
        self.begun, self.released = threading.Event(), threading.Event()
        self.sent: list[str] = []

    def send(self, parcel: Parcel) -> Delivery:
        self.sent.append(parcel.key)
        self.begun.set()
        self.released.wait()
        return Delivery(Outcome.DELIVERED, f"taken: {parcel.key}")


def test_a_route_that_hangs_blocks_no_other(receiver: CloudStandIn, context: ssl.SSLContext):
    hanging = HangingStandIn()
    routes = FacilityRoutes({URGENT: hanging, DAILY: hook(receiver, context)}, Redactor([]))
    with ThreadPoolExecutor() as elsewhere:
        urgent = elsewhere.submit(routes.send, "urgent", MESSAGE)
        assert hanging.begun.wait(60)
        assert routes.send("daily", MESSAGE).outcome is Outcome.DELIVERED
        hanging.released.set()
        urgent.result()


def test_what_hung_is_not_sent_again_even_when_others_went_in_between():
    hanging = HangingStandIn()
    routes = FacilityRoutes({URGENT: hanging}, Redactor([]), deadline_seconds=0.05)
    assert routes.send("urgent", MESSAGE) == Delivery(Outcome.RETRY, "no end within 0.05 s")
    assert "still hangs" in routes.send("urgent", MESSAGE).answer
    assert "still hangs" in routes.send("urgent", another(8)).answer
    late = routes._lines["urgent"]._late
    assert late is not None
    hanging.released.set()
    assert late.ended.wait(60)
    patient = routes._lines["urgent"]
    assert patient.send(Parcel("inc-8", (another(8),)), 60).answer == "taken: inc-8"
    assert patient.send(Parcel(MESSAGE.key, (MESSAGE,)), 60).answer == f"taken: {MESSAGE.key}"
    assert hanging.sent == [MESSAGE.key, "inc-8"]


class BrokenStandIn:
    """A transport with a mistake in it."""

    def send(self, parcel: Parcel) -> Delivery:
        raise RuntimeError(f"cannot send {parcel.key} to wecombot://planted-key-77")


def test_a_mistake_in_a_library_is_told_without_its_secret(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    routes = FacilityRoutes({URGENT: BrokenStandIn()}, Redactor(["wecombot://planted-key-77"]))
    delivery = routes.send("urgent", MESSAGE)
    assert delivery == Delivery(
        Outcome.RETRY, f"the attempt broke: RuntimeError: cannot send {MESSAGE.key} to {HIDDEN}"
    )
    assert "planted" not in caplog.text


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("pa ss/wörd", "login with pa%20ss%2Fw%C3%B6rd failed"),
        ("pa ss/wörd", "AUTH cGEgc3Mvd8O2cmQ="),
        ("dingtalk://SECabc@0123456789abcdef/", "no robot 0123456789abcdef"),
        ("mailto://me:x@smtp.example.org", "password x for me"),
        ("json://host.example/?token=0123456789", "token 0123456789"),
    ],
)
def test_a_secret_is_hidden_however_it_is_written(secret: str, text: str):
    shown = Redactor([secret])(text)
    assert HIDDEN in shown
    for part in ("pa", "cGEg", "0123456789", " x "):
        assert part not in shown.replace("password", "")


def test_addresses_lose_their_paths_and_long_answers_their_ends():
    redact = Redactor([])
    assert redact("see https://me:pw@host.example:8443/hook/key?x=1 now") == "see https://host.example:8443/… now"
    assert redact("a\r\nb\x1b[31m") == "a b [31m"
    assert len(redact("x" * 5000)) == 500


def test_several_messages_become_one_summary_worst_first():
    warn = another(1, severity=Severity.WARN, kind=Kind.RESOLVED)
    text = write([warn, another(2), another(3, kind=Kind.WORSENED)], STYLE).whole.splitlines()
    assert text[0] == "合并发送 3 条消息：每分钟超过 20 条"
    assert text[2] == "https://198.18.0.10:8443/incidents"
    assert [line.partition(" ·")[0] for line in text[3:6]] == [
        "【严重】第 2 件",
        "【升级为严重】第 3 件",
        "【已恢复】第 1 件",
    ]
    assert "[Critical] rack-ups runs on its battery" in text


def test_an_english_facility_reads_english_first():
    written = write([MESSAGE], Style("en", STYLE.zone))
    assert written.title == "[Critical] rack-ups runs on its battery"
    assert written.body.index("Charge 98%") < written.body.index("【严重】") < written.body.index("电量 98%")


def test_a_cut_falls_between_characters():
    assert cut("停电了", 9) == "停电了"
    assert cut("停电了吗", 9) == "停电…"
    assert cut("停电了吗", 11) == "停电…"


def test_the_facilitys_routes_open_with_their_secrets(
    tmp_path: Path, receiver: CloudStandIn, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch, context: ssl.SSLContext
):
    monkeypatch.setattr("console.notifications.opening.trusting", lambda _authority: context)
    document = {
        "notifications": {
            "routes": [
                {"name": "hook", "channel": "webhook", "severities": ["crit"], "url": receiver.address()},
                {"name": "mail", "channel": "email", "severities": ["warn"], "recipients": ["ops@qinghe.example"]},
                {"name": "robot", "channel": "apprise", "severities": ["crit"]},
            ],
            "mail_server": {
                "host": "127.0.0.1", "port": smtp.port, "security": "starttls",
                "sender": "x@qinghe.example", "user": "xinglin",
            },
        }
    }  # fmt: skip
    reader = Reader(document, "")
    config = replace(console_config(tmp_path), notifications=read_notifications(reader))
    assert reader.mistakes == []
    secrets = tmp_path / "notifications.json"
    secrets.write_text(json.dumps({"routes": {"hook": "k"}, "mail": "right"}), encoding="utf-8")
    loaded = load_secrets(secrets)
    assert "right" not in repr(loaded)
    routes = open_routes(config, loaded, now)
    assert routes.send("hook", MESSAGE).outcome is Outcome.DELIVERED
    assert routes.send("mail", MESSAGE).outcome is Outcome.DELIVERED
    robot = routes.send("robot", MESSAGE)
    assert robot.outcome is Outcome.REFUSED
    assert "xinglin provision" in robot.answer
    (_, nobody, _) = config.notifications.routes
    alone = replace(config.notifications, routes=(replace(nobody, recipients=()),))
    unread = open_routes(replace(config, notifications=alone), loaded, now).send("mail", MESSAGE)
    assert (unread.outcome, "has an e-mail address" in unread.answer) == (Outcome.REFUSED, True)
    (signed, *_) = config.notifications.routes
    alone = replace(config.notifications, routes=(replace(signed, has_secret=True),))
    assert open_routes(replace(config, notifications=alone), Secrets(), now).send("hook", MESSAGE).outcome is REFUSED
    assert len(receiver.asked) == 1  # never unsigned by mistake
    forgetful = open_routes(config, Secrets(), now).send("mail", MESSAGE)
    assert (forgetful.outcome, "password" in forgetful.answer) == (Outcome.REFUSED, True)


@pytest.mark.parametrize("text", ["{planted", "[]", '{"routes": {"a": 7}}', '{"routes": {}, "mail": 5}'])
def test_a_broken_file_of_secrets_is_told_without_being_quoted(tmp_path: Path, text: str):
    path = tmp_path / "notifications.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"notifications\.json.*Next: provision") as caught:
        load_secrets(path)
    assert "planted" not in str(caught.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_secrets(tmp_path / "absent.json")


def test_the_secrets_come_from_systemd_or_from_roots_file(tmp_path: Path):
    assert secrets_file({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == tmp_path / "notifications.json"
    assert secrets_file({}) == Path("/etc/xinglin/secrets/notifications.json")


def test_all_mistakes_of_the_routes_are_told_at_once():
    document = {"notifications": {"routes": [
        {"name": "a", "channel": "pigeon", "severities": ["loud"]},
        {"name": "b", "channel": "webhook", "severities": []},
    ], "mail_server": {"host": "h", "port": 0, "security": "maybe", "sender": "s"}}}  # fmt: skip
    reader = Reader(document, "")
    read_notifications(reader)
    assert [mistake.partition(":")[0] for mistake in reader.mistakes] == [
        "notifications.routes[0].channel",
        "notifications.routes[0].severities",
        "notifications.routes[1].url",
        "notifications.mail_server.port",
        "notifications.mail_server.security",
    ]
