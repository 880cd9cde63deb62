"""Make the routes from the configuration and the secrets."""

from collections.abc import Callable
from datetime import datetime
from ssl import SSLContext

from console.audit.log import utc_now
from console.config import ConsoleConfig
from console.notifications.mail import MailTransport
from console.notifications.message import Channel, Delivery, Outcome, Route
from console.notifications.plan import NotificationRoute
from console.notifications.redaction import Redactor
from console.notifications.routes import FacilityRoutes
from console.notifications.secrets import NEXT, Secrets
from console.notifications.transport import RefusingTransport, Transport, trusting
from console.notifications.webhook import WebhookTransport
from console.notifications.writing import Style
from console.rules.problem import Severity


def open_routes(config: ConsoleConfig, secrets: Secrets, now: Callable[[], datetime] = utc_now) -> FacilityRoutes:
    """Return the facility's routes, ready to send: apprise's plugins are loaded, if a route needs them.

    A route that cannot work refuses each message and says why, so that the others still carry theirs.
    Raises ``OSError`` when the authority's certificate cannot be read.
    """
    context = trusting(config.tls.ca if config.tls else None)
    opener = _Opener(config, secrets, context, now)
    return FacilityRoutes(
        {_named(item): opener.transport(item) for item in config.notifications.routes}, Redactor(secrets.all)
    )


def _named(item: NotificationRoute) -> Route:
    return Route(item.name, Channel(item.channel), tuple(Severity(one) for one in item.severities))


class _Opener:
    def __init__(
        self, config: ConsoleConfig, secrets: Secrets, context: SSLContext, now: Callable[[], datetime]
    ) -> None:
        self._mail_server = config.notifications.mail_server
        self._style = Style(config.facility.locale, config.facility.zone)
        self._secrets = secrets
        self._context = context
        self._now = now

    def transport(self, item: NotificationRoute) -> Transport:
        """Return what carries a route's messages."""
        channel, secret = Channel(item.channel), self._secrets.routes.get(item.name)
        if not secret and (item.has_secret or channel is Channel.APPRISE):
            return _refusing(f"there is no secret for the route {item.name}. {NEXT}")
        if channel is Channel.WEBHOOK:
            return WebhookTransport(item.url, secret, self._context, self._now)
        if channel is Channel.APPRISE and secret:
            # apprise and its plugins take 50 MB: only a facility that uses them pays.
            from console.notifications.chat import AppriseTransport  # noqa: PLC0415

            return AppriseTransport(secret, self._style, self._now)
        return self._mail(item)

    def _mail(self, item: NotificationRoute) -> Transport:
        if self._mail_server is None:
            return _refusing("the facility has no mail_server. Next: enter it in facility.yml, then xinglin provision")
        if not item.recipients:
            return _refusing(
                f"no contact of the route {item.name} has an e-mail address. Next: enter one, then xinglin provision"
            )
        if self._mail_server.user and not self._secrets.mail:
            return _refusing(f"there is no password for the mail server. {NEXT}")
        return MailTransport(
            self._mail_server, self._secrets.mail, item.recipients, self._context, style=self._style, now=self._now
        )


def _refusing(answer: str) -> RefusingTransport:
    return RefusingTransport(Delivery(Outcome.REFUSED, answer))
