"""The message that tries a route."""

import secrets
from datetime import datetime

from console.config import ConsoleConfig
from console.i18n import Text
from console.notifications.message import Kind, Message
from console.rules.problem import Severity

TITLE = "Test of the notifications"
BODY = "{who} sent this test. Nothing is wrong; the route works when you read this."


def trial_message(config: ConsoleConfig, who: str, now: datetime) -> Message:
    """Return a message of nobody's incident, with a key of its own."""
    title, body = Text(TITLE), Text(BODY, {"who": who})
    return Message(
        key=f"test-{secrets.token_hex(8)}",
        incident_id=None,
        kind=Kind.TEST,
        severity=Severity.WARN,
        at=now,
        title_zh=title.translate("zh_CN"),
        title_en=title.translate("en"),
        body_zh=body.translate("zh_CN"),
        body_en=body.translate("en"),
        facility_zh=config.facility.name_zh,
        url=f"{config.public_url.rstrip('/')}/incidents/routes",
    )
