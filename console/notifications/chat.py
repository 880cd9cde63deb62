"""Routes that apprise carries: robots of chat groups and a hundred other services, judged by their own answers."""

from collections.abc import Callable
from datetime import datetime

import apprise
from apprise.plugins.base import NotifyBase

from console.notifications import answers
from console.notifications.listening import Answer, Heard, listening
from console.notifications.message import Delivery, Kind, Outcome
from console.notifications.providers import provider_of
from console.notifications.transport import CONNECT_SECONDS, READ_SECONDS, Parcel
from console.notifications.writing import Style, cut, write
from console.rules.problem import Severity

TYPES = {Severity.CRIT: apprise.NotifyType.FAILURE, Severity.WARN: apprise.NotifyType.WARNING}
NO_ADDRESS = (
    "apprise does not know this address. "
    "Next: xinglin check, then put an apprise URL such as wecombot://KEY into the vault"
)


class AppriseTransport:
    """One apprise URL."""

    def __init__(self, address: str, style: Style, now: Callable[[], datetime]) -> None:
        self._address = address
        self._style = style
        self._now = now
        self._asset = apprise.AppriseAsset(app_id="Xinglin", storage_mode="memory", http_redirects=False)
        self._plugin()  # loads apprise's plugins (≈ 1 s) before the first alert needs them

    def send(self, parcel: Parcel) -> Delivery:
        """Try once, and judge by what the provider answered, not by what apprise thinks of it."""
        with listening() as heard:
            plugin = self._plugin()  # a fresh one: a used one sleeps 5 s before its next message
            if plugin is None:
                return Delivery(Outcome.REFUSED, NO_ADDRESS)
            written = write(parcel.messages, self._style)
            titled = plugin.title_maxlen > 0
            # Providers count bytes where apprise counts characters, so that three times too much would go out.
            body = cut(written.body if titled else written.whole, plugin.body_maxlen - (256 if titled else 0))
            taken = plugin.notify(
                title=written.title if titled else "",
                body=body,
                notify_type=_type(parcel),
                body_format=apprise.NotifyFormat.TEXT,
            )
        return self._judged(plugin.service_name, heard, taken=bool(taken))

    def _plugin(self) -> NotifyBase | None:
        plugin = apprise.Apprise.instantiate(self._address, asset=self._asset)
        if isinstance(plugin, NotifyBase):
            plugin.verify_certificate = True  # whatever ?verify= says
            plugin.redirects = False
            plugin.socket_connect_timeout, plugin.socket_read_timeout = CONNECT_SECONDS, READ_SECONDS
            return plugin
        return None

    def _judged(self, service: object, heard: Heard, *, taken: bool) -> Delivery:
        said = "; ".join(heard.warnings)
        if not heard.answers:  # not over HTTP, or given up before
            if taken:
                return Delivery(Outcome.DELIVERED, f"{service} took it over; it gives no answer to keep")
            return Delivery(Outcome.RETRY, said or f"{service} did not take it and gave no reason")
        judged = answers.worst(self._judge(answer) for answer in heard.answers)
        if judged.outcome is Outcome.DELIVERED and not taken:
            return Delivery(Outcome.RETRY, f"{judged.answer}. {said}")
        return judged

    def _judge(self, answer: Answer) -> Delivery:
        if answer.error:
            return Delivery(Outcome.RETRY, f"no answer from {answer.host}: {answer.error}")
        return answers.judge(provider_of(answer.host), answer.status, answer.headers, answer.body, self._now())


def _type(parcel: Parcel) -> apprise.NotifyType:
    newest = parcel.messages[0]
    if newest.kind is Kind.TEST:
        return apprise.NotifyType.INFO
    return apprise.NotifyType.SUCCESS if newest.kind is Kind.RESOLVED else TYPES[newest.severity]
