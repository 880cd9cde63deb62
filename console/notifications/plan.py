"""The part ``notifications`` of console.json: whom to tell, and how."""

from dataclasses import dataclass

from console.configcheck import Reader


@dataclass(frozen=True)
class NotificationRoute:
    """A way to tell people: ``channel`` is apprise, email (with ``recipients``) or webhook (with ``url``).

    ``has_secret``: without its secret nothing may go out, so that a webhook is never sent unsigned by mistake.
    """

    name: str
    channel: str
    severities: tuple[str, ...]
    url: str
    recipients: tuple[str, ...]
    has_secret: bool = False


@dataclass(frozen=True)
class MailServer:
    """The server that takes the facility's e-mail; ``security`` is tls, starttls or none."""

    host: str
    port: int
    security: str
    sender: str
    user: str


@dataclass(frozen=True)
class Notifications:
    """The routes and what carries their e-mail.  The secrets are elsewhere: ``console.notifications.secrets``."""

    routes: tuple[NotificationRoute, ...] = ()
    mail_server: MailServer | None = None


NO_NOTIFICATIONS = Notifications()


def read_notifications(reader: Reader) -> Notifications:
    """Read ``notifications``; absent, nobody is told."""
    if not reader.has("notifications"):
        return NO_NOTIFICATIONS
    reader = reader.section("notifications")
    return Notifications(
        routes=tuple(_route(item) for item in reader.items("routes")),
        mail_server=_mail_server(reader.section("mail_server")) if reader.has("mail_server") else None,
    )


def _route(reader: Reader) -> NotificationRoute:
    route = NotificationRoute(
        name=reader.text("name"),
        channel=reader.choice("channel", ("apprise", "email", "webhook")),
        severities=tuple(reader.texts("severities")),
        url=reader.text("url", ""),
        recipients=reader.texts("recipients"),
        has_secret=reader.flag("has_secret", default=False),
    )
    for severity in sorted(set(route.severities) - {"warn", "crit"}):
        reader.mistake("severities", f"has {severity!r}", "warn, crit")
    if route.channel == "webhook" and not route.url:
        reader.mistake("url", "missing", "the address of the webhook")
    return route


def _mail_server(reader: Reader) -> MailServer:
    return MailServer(
        host=reader.text("host"),
        port=int(reader.number("port", 1, 65535)),
        security=reader.choice("security", ("tls", "starttls", "none")),
        sender=reader.text("sender"),
        user=reader.text("user", ""),
    )
