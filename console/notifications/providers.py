"""What the providers' own codes mean.  They come with HTTP 200, so the status alone proves nothing.

Sources: the providers' lists of codes for group robots.  A code that is not here is tried again: better once too often.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MINUTE = 60.0


@dataclass(frozen=True)
class Provider:
    """How one provider says what became of a message.

    ``keys``: the first of them in the answer holds the code.  ``fine``: codes of success.  ``temporary``: code →
    seconds to rest.  ``permanent``: code → what to do.  ``busy_words``: with one of them a code means "too often".
    ``required``: an answer without a code is not this provider's.
    """

    name: str
    hosts: tuple[str, ...]
    keys: tuple[str, ...]
    fine: frozenset[int] = frozenset({0})
    temporary: Mapping[int, float] = field(default_factory=dict)
    permanent: Mapping[int, str] = field(default_factory=dict)
    busy_words: tuple[str, ...] = ("too many", "frequency", "too fast", "rate limit", "频率", "太快", "限流")
    required: bool = True


NEW_KEY = "Next: make the robot's address anew and put it into the vault"
MEMBER = "Next: check corpid, secret, agentid and the receivers"
SECURITY = "Next: allow this message in the robot's security settings (keyword, signature, address)"
WECOM = Provider(
    "WeCom",
    ("qyapi.weixin.qq.com",),
    ("errcode",),
    temporary={-1: 5, 42001: 5, 45009: MINUTE, 45033: 5},
    permanent={
        40001: MEMBER,
        40013: MEMBER,
        40014: MEMBER,
        40056: MEMBER,
        40058: "Next: report it, the message is malformed",
        60020: "Next: allow the appliance's public address in the application's settings",
        81013: MEMBER,
        93000: NEW_KEY,
        93004: "Next: switch the robot on in the group",
        93008: "Next: put the robot into the group again",
    },
)
DINGTALK = Provider(
    "DingTalk",
    ("oapi.dingtalk.com",),
    ("errcode",),
    # Above 20 messages a minute a robot is silenced for ten minutes.
    temporary={-1: 5, 90030: 10 * MINUTE, 130101: 10 * MINUTE, 302033: 10 * MINUTE, 410100: 10 * MINUTE},
    permanent={
        300001: NEW_KEY,
        300005: NEW_KEY,
        310000: SECURITY,
        400013: "Next: the group was dissolved; make a robot in another one",
        400101: NEW_KEY,
        400102: "Next: switch the robot on in the group",
        400106: NEW_KEY,
    },
)
FEISHU = Provider(
    "Feishu",
    ("open.feishu.cn", "open.larksuite.com"),
    ("code", "StatusCode"),
    # 9499 is "Bad Request" and "too many request" alike: its words decide.
    temporary={11232: MINUTE, 11233: MINUTE, 230020: MINUTE},
    permanent={
        9499: "Next: check the robot's address",
        19001: NEW_KEY,
        19002: "Next: report it, the message is malformed",
        19021: SECURITY,
        19022: SECURITY,
        19024: SECURITY,
    },
)
PUSHPLUS = Provider("Pushplus", ("www.pushplus.plus",), ("code",), frozenset({200}), permanent={903: NEW_KEY})
SERVERCHAN = Provider("ServerChan", ("sctapi.ftqq.com",), ("code", "errno"))
WXPUSHER = Provider("WxPusher", ("wxpusher.zjiecode.com",), ("code",), frozenset({1000}))
PUSHDEER = Provider("PushDeer", ("api2.pushdeer.com",), ("code",))
SPUG = Provider("Spug", ("push.spug.dev", "push.spug.cc"), ("code",), frozenset({200}))
KNOWN = (WECOM, DINGTALK, FEISHU, PUSHPLUS, SERVERCHAN, WXPUSHER, PUSHDEER, SPUG)

# A service of apprise that is not listed: apprise's own check stands, but Tencent's and Alibaba's word is heard.
UNLISTED = Provider("the service", (), ("errcode",), required=False)
# A plain webhook; 200 as code is HTTP's own word said again.
WEBHOOK = Provider("the receiver", (), ("errcode", "code"), frozenset({0, *range(200, 300)}), required=False)


def provider_of(host: str) -> Provider:
    """Return whose host this is."""
    return next((one for one in KNOWN if host in one.hosts), UNLISTED)
