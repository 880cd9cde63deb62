"""The plain webhook against a real HTTPS server on loopback."""

import hashlib
import hmac
import ssl
from collections.abc import Callable

import pytest

from console.notifications.message import Outcome
from console.notifications.webhook import WebhookTransport
from tests.notifications.cloud import CloudStandIn, Given
from tests.notifications.conftest import MESSAGE, NOW, another, now, parcel

Start = Callable[[str], CloudStandIn]
KEY = "planted-hmac-key"
D, T, R = Outcome.DELIVERED, Outcome.RETRY, Outcome.REFUSED


@pytest.fixture
def receiver(cloud: Start) -> CloudStandIn:
    return cloud("hook.test")


@pytest.fixture
def hook(receiver: CloudStandIn, context: ssl.SSLContext) -> WebhookTransport:
    return WebhookTransport(receiver.address("/alerts?site=qinghe"), KEY, context, now)


def test_the_post_is_signed_dated_and_repeatable(hook: WebhookTransport, receiver: CloudStandIn):
    assert hook.send(parcel()).outcome is D
    assert hook.send(parcel()).outcome is D
    first, second = receiver.asked
    assert first.path == "/alerts?site=qinghe"
    assert first.headers["Content-Type"] == "application/json"
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == MESSAGE.key
    timestamp = first.headers["X-Xinglin-Timestamp"]
    assert timestamp == str(int(NOW.timestamp()))
    expected = hmac.new(KEY.encode(), f"{timestamp}.".encode() + first.body, hashlib.sha256).hexdigest()
    assert first.headers["X-Xinglin-Signature"] == f"sha256={expected}"
    document = first.document
    assert (document["schema"], document["key"]) == (1, MESSAGE.key)
    assert document["messages"][0] | {"title_zh": MESSAGE.title_zh, "severity": "crit"} == document["messages"][0]


def test_what_was_held_goes_in_one_post(hook: WebhookTransport, receiver: CloudStandIn):
    hook.send(parcel(another(1), another(2)))
    document = receiver.asked[0].document
    assert [one["incident_id"] for one in document["messages"]] == [1, 2]
    assert receiver.asked[0].headers["Idempotency-Key"] == "inc-1+inc-2"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Given("", 204), (D, None)),
        (Given("thank you", 202), (D, None)),
        (Given({"code": 0}), (D, None)),
        (Given({"code": "200", "msg": "ok"}), (D, None)),
        (Given({"errcode": 40001, "errmsg": "no"}), (T, None)),
        (Given({"code": 500, "msg": "no"}), (T, None)),
        (Given({"ok": False}), (T, None)),
        (Given({"code": 0}, 503), (T, None)),
        (Given("", 408), (T, None)),
        (Given("", 425), (T, None)),
        (Given("", 429, {"Retry-After": "17"}), (T, 17.0)),
        (Given("", 503, {"Retry-After": "Mon, 23 Nov 2026 08:52:12 GMT"}), (T, 120.0)),
        (Given("", 503, {"Retry-After": "Mon, 23 Nov 2020 08:52:12 GMT"}), (T, 0.0)),
        (Given("", 503, {"Retry-After": "999999999999"}), (T, 3600.0)),
        (Given("", 503, {"Retry-After": "soon"}), (T, None)),
        (Given("", 500), (T, None)),
        (Given("", 400), (R, None)),
        (Given({"code": 401, "msg": "who are you"}, 401), (R, None)),
        (Given("", 410), (R, None)),
    ],
)
def test_the_answer_decides(
    hook: WebhookTransport, receiver: CloudStandIn, given: Given, expected: tuple[Outcome, float | None]
):
    receiver.given = given
    delivery = hook.send(parcel())
    assert (delivery.outcome, delivery.retry_after_seconds) == expected, delivery
    assert f"HTTP {given.status}" in delivery.answer


def test_a_redirect_is_refused_and_nothing_follows_it(hook: WebhookTransport, receiver: CloudStandIn, cloud: Start):
    elsewhere = cloud("elsewhere.test")
    receiver.given = Given("", 307, {"Location": elsewhere.address()})
    delivery = hook.send(parcel())
    assert delivery.outcome is R
    assert "Next: enter the final address" in delivery.answer
    assert elsewhere.asked == []


def test_a_certificate_of_a_stranger_ends_it_before_a_word(receiver: CloudStandIn):
    delivery = WebhookTransport(receiver.address(), KEY, ssl.create_default_context(), now).send(parcel())
    assert delivery.outcome is T
    assert "CERTIFICATE_VERIFY_FAILED" in delivery.answer
    assert receiver.asked == []


def test_a_receiver_that_is_away_is_tried_again(hook: WebhookTransport, receiver: CloudStandIn):
    receiver.close()
    delivery = hook.send(parcel())
    assert delivery.outcome is T
    assert "refused" in delivery.answer.lower()


def test_a_huge_answer_is_not_read_to_its_end(hook: WebhookTransport, receiver: CloudStandIn):
    receiver.given = Given("x" * 3_000_000)
    delivery = hook.send(parcel())
    assert delivery.outcome is D
    assert len(delivery.answer) < 400


def test_without_a_key_there_is_no_signature(receiver: CloudStandIn, context: ssl.SSLContext):
    WebhookTransport(receiver.address(), None, context, now).send(parcel())
    assert "X-Xinglin-Signature" not in receiver.asked[0].headers
