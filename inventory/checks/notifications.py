"""Every notification route can be travelled."""

from collections.abc import Iterator

from inventory.draft import Draft
from inventory.mistakes import Mistake


def check_notifications(draft: Draft) -> Iterator[Mistake]:
    """Yield e-mail routes of a facility that has no mail server."""
    if draft.variables.get("mail_server").value is not None:
        return
    for route in draft.section("notification_routes"):
        if route.get("channel").text == "email":
            allowed = "a mail_server: {host: NAME, port: 465, security: tls, sender: ADDRESS}; or another channel"
            yield route.get("channel").mistake("an e-mail route, but there is no mail_server", allowed)
