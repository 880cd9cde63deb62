"""apprise's routes against servers that answer as WeCom, DingTalk and Feishu do."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from console.notifications.chat import AppriseTransport
from console.notifications.message import Channel, Delivery, Outcome, Route
from console.notifications.redaction import Redactor
from console.notifications.routes import FacilityRoutes
from console.rules.problem import Severity
from tests.notifications.cloud import CloudStandIn, Given, reached_as
from tests.notifications.conftest import MESSAGE, STYLE, another, now, parcel
from tests.notifications.mail_server import SmtpServer

pytestmark = [
    pytest.mark.usefixtures("bundle"),
    # apprise loads all its plugins; one of them still asks for a module that Python 3.13 has no more.
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]
Start = Callable[[str], CloudStandIn]
KEY = "693a91f6-7planted-4bc4-97a0-0ec2sifa5aaa"
WECOM, DINGTALK, FEISHU = "qyapi.weixin.qq.com", "oapi.dingtalk.com", "open.feishu.cn"
ADDRESSES = {
    WECOM: f"wecombot://{KEY}",
    DINGTALK: f"dingtalk://SECplanted9@{KEY.replace('-', '')}",
    FEISHU: f"feishu://{KEY}",
}
ROUTE = Route("urgent", Channel.APPRISE, (Severity.CRIT,))
D, T, R = Outcome.DELIVERED, Outcome.RETRY, Outcome.REFUSED


def attempt(start: Start, name: str, given: Given) -> tuple[Delivery, CloudStandIn]:
    server = start(name)
    server.given = given
    with reached_as(name, server):
        return AppriseTransport(ADDRESSES[name], STYLE, now).send(parcel()), server


@pytest.mark.parametrize(
    ("name", "given", "expected", "said"),
    [
        (WECOM, Given({"errcode": 0, "errmsg": "ok"}), (D, None), "errcode 0: ok"),
        (WECOM, Given({"errcode": 45009, "errmsg": "api freq out of limit"}), (T, 60), "errcode 45009: api freq"),
        (WECOM, Given({"errcode": -1, "errmsg": "system busy"}), (T, 5), "errcode -1"),
        (WECOM, Given({"errcode": 93000, "errmsg": "invalid webhook url"}), (R, None), "errcode 93000"),
        (WECOM, Given({"errcode": 77777, "errmsg": "new"}), (T, None), "errcode 77777"),
        (WECOM, Given("<html>Log in to the guest network</html>"), (T, None), "not an answer of WeCom"),
        (WECOM, Given("", status=502), (T, None), "HTTP 502"),
        (WECOM, Given("", status=404), (R, None), "HTTP 404"),
        (DINGTALK, Given({"errcode": 0, "errmsg": "ok"}), (D, None), "errcode 0"),
        (DINGTALK, Given({"errcode": 130101, "errmsg": "send too fast"}), (T, 600), "errcode 130101"),
        (DINGTALK, Given({"errcode": 310000, "errmsg": "keywords not in content"}), (R, None), "security settings"),
        (FEISHU, Given({"StatusCode": 0, "StatusMessage": "success"}), (D, None), "StatusCode 0: success"),
        (FEISHU, Given({"code": 0, "msg": "success", "data": {}}), (D, None), "code 0: success"),
        (FEISHU, Given({"code": 9499, "msg": "Bad Request", "data": {}}), (R, None), "code 9499: Bad Request"),
        (FEISHU, Given({"code": 9499, "msg": "too many request"}), (T, 60), "too many request"),
        (FEISHU, Given({"code": 11232, "msg": "trigger rate limit"}, status=400), (T, 60), "code 11232"),
        (FEISHU, Given({"code": 19024, "msg": "Key Words Not Found"}), (R, None), "code 19024"),
    ],
)  # fmt: skip
def test_the_providers_own_word_decides(
    cloud: Start, name: str, given: Given, expected: tuple[Outcome, float | None], said: str
):
    delivery, server = attempt(cloud, name, given)
    assert (delivery.outcome, delivery.retry_after_seconds) == expected, delivery
    assert said in delivery.answer
    assert len(server.asked) == 1


def test_a_robot_gets_chinese_first_and_english_beneath(cloud: Start):
    _, server = attempt(cloud, WECOM, Given({"errcode": 0}))
    text = server.asked[0].document["text"]["content"]
    assert text.splitlines()[:3] == [
        "【严重】机柜 UPS 由电池供电",
        "清河镇卫生院 · 2026-11-23 16:50:12",
        "https://198.18.0.10:8443/incidents/7",
    ]
    assert text.index("电量 98%") < text.index("[Critical] rack-ups runs on its battery") < text.index("Charge 98%")


def test_a_long_message_is_cut_to_the_providers_bytes_between_characters(cloud: Start):
    server = cloud(WECOM)
    server.given = Given({"errcode": 0})
    with reached_as(WECOM, server):
        long = another(9, body_zh="停电" * 2000)
        assert AppriseTransport(ADDRESSES[WECOM], STYLE, now).send(parcel(long)).outcome is D
    text = server.asked[0].document["text"]["content"]
    assert 2040 < len(text.encode()) <= 2048
    assert text.endswith(("停电…", "停…"))
    assert long.url in text


def test_a_server_with_another_name_is_not_believed(cloud: Start):
    server = cloud("impostor.test")
    with reached_as(WECOM, server):
        delivery = AppriseTransport(ADDRESSES[WECOM], STYLE, now).send(parcel())
    assert delivery.outcome is T
    assert "CERTIFICATE_VERIFY_FAILED" in delivery.answer
    assert server.asked == []


def test_verification_cannot_be_switched_off_by_the_address(cloud: Start):
    server = cloud("impostor.test")
    with reached_as(WECOM, server):
        delivery = AppriseTransport(ADDRESSES[WECOM] + "?verify=no", STYLE, now).send(parcel())
    assert (delivery.outcome, server.asked) == (T, [])


def test_a_redirect_is_not_followed(cloud: Start):
    elsewhere = cloud("elsewhere.test")
    delivery, _ = attempt(cloud, WECOM, Given("", 302, {"Location": elsewhere.address("/taken?key=x")}))
    assert (delivery.outcome, elsewhere.asked) == (R, [])


def test_an_address_that_apprise_does_not_know_is_refused_without_being_shown():
    delivery = AppriseTransport("wecomrobot://planted-secret", STYLE, now).send(parcel())
    assert delivery.outcome is R
    assert "planted" not in delivery.answer


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("case", ["answers the key", "is not there", "breaks off"])
def test_no_secret_reaches_answers_or_logs(
    cloud: Start, caplog: pytest.LogCaptureFixture, name: str, case: str, capfd: pytest.CaptureFixture[str]
):
    caplog.set_level(logging.DEBUG)
    address = ADDRESSES[name]
    server = cloud(name)
    parts = address.partition("://")[2].split("@")
    told = f"no robot {address} {' '.join(parts)} at https://{name}/hook/{parts[-1]}?key={parts[0]}"
    server.given = Given({"errcode": 40000, "code": 40000, "errmsg": told}, 500 if case == "breaks off" else 200)
    with reached_as(name, server):
        routes = FacilityRoutes({ROUTE: AppriseTransport(address, STYLE, now)}, Redactor([address]))
        if case == "is not there":
            server.close()
        delivery = routes.send(ROUTE.name, MESSAGE)
    assert delivery.outcome is T
    out, err = capfd.readouterr()
    for text in (delivery.answer, caplog.text, out, err, repr(routes)):
        assert "planted" not in text
        assert KEY not in text


def test_a_service_without_http_is_believed_and_its_failures_are_tried_again(smtp: SmtpServer):
    address = (
        f"mailto://127.0.0.1:{smtp.port}/?from=me@qinghe.example&to=it@qinghe.example&smtp=127.0.0.1&mode=insecure"
    )
    transport = AppriseTransport(address, STYLE, now)
    assert transport.send(parcel()) == Delivery(D, "E-Mail took it over; it gives no answer to keep")
    smtp.manners.recipients["it@qinghe.example"] = "550 no such user"
    assert transport.send(parcel()) == Delivery(T, 'Sending email to "it@qinghe.example" failed.')


def test_the_wrapped_requests_keep_nothing_for_others(cloud: Start, bundle: Path):
    import requests  # noqa: PLC0415

    from console.notifications import listening  # noqa: PLC0415

    server = cloud("other.test")
    with listening.listening() as heard:
        pass
    assert requests.get(server.address(), timeout=5).status_code == 200
    assert heard.answers == []
