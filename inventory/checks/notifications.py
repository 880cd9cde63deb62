"""Every notification route can be travelled."""

from collections.abc import Iterator

from inventory.draft import Draft
from inventory.mistakes import Mistake


def check_notifications(draft: Draft) -> Iterator[Mistake]:
    """Yield e-mail routes without a mail server, and their contacts without an address."""
    served = draft.variables.get("mail_server").value is not None
    unreachable = {
        contact.get("name").text for contact in draft.section("contacts") if contact.get("email").value is None
    }
    for route in draft.section("notification_routes"):
        if route.get("channel").text != "email":
            continue
        if not served:
            allowed = "a mail_server: {host: NAME, port: 465, security: tls, sender: ADDRESS}; or another channel"
            yield route.get("channel").mistake("an e-mail route, but there is no mail_server", allowed)
        for name in route.get("contacts").items():
            if name.text in unreachable:
                yield name.mistake(f"contact {name.text} has no e-mail address", f"email: ADDRESS for {name.text}")
