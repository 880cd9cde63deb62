"""E-mail by the facility's own server, with the server's words for every recipient (RFC 5321).

apprise's ``mailto`` says which address failed but not the server's reply: it cannot tell later from never, has no
receipt to keep, and a repeat reaches again who has it already.  So this is smtplib.
"""

import hashlib
import smtplib
import socket
import ssl
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from console.notifications.causes import innermost
from console.notifications.message import Delivery, Outcome
from console.notifications.plan import MailServer
from console.notifications.transport import READ_SECONDS, Parcel
from console.notifications.writing import Style, write
from console.rules.problem import Severity

REMEMBERED = 256


@dataclass(frozen=True)
class Reply:
    """A server's reply: 2xx taken, 4xx later, 5xx never."""

    code: int
    text: str

    @classmethod
    def of(cls, answer: tuple[int, bytes]) -> "Reply":
        """Return the reply that smtplib gives as code and bytes."""
        return cls(answer[0], answer[1].decode(errors="replace"))

    @property
    def is_taken(self) -> bool:
        """Return whether the server took it."""
        return 200 <= self.code < 300

    @property
    def outcome(self) -> Outcome:
        """Return what the code means."""
        if self.is_taken:
            return Outcome.DELIVERED
        return Outcome.REFUSED if self.code >= 500 else Outcome.RETRY

    def __str__(self) -> str:
        """Return the code and the words."""
        return f"{self.code} {self.text}"


class MailTransport:
    """One list of recipients.  Who has taken a message does not get it again when the others are tried again."""

    def __init__(
        self,
        server: MailServer,
        password: str | None,
        recipients: Sequence[str],
        context: ssl.SSLContext,
        *,
        style: Style,
        now: Callable[[], datetime],
    ) -> None:
        self._server = server
        self._password = password
        self._recipients = tuple(recipients)
        self._context = context
        self._style = style
        self._now = now
        self._taken: OrderedDict[str, set[str]] = OrderedDict()

    def send(self, parcel: Parcel) -> Delivery:
        """Try once to reach every recipient who has not taken this parcel yet."""
        taken = self._taken.setdefault(parcel.key, set())
        while len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)
        left = [one for one in self._recipients if one not in taken]
        try:
            with self._session() as smtp:
                replies, final = self._transaction(smtp, left, self._letter(parcel))
        except smtplib.SMTPResponseException as error:
            told = error.smtp_error
            reply = Reply(error.smtp_code, told.decode(errors="replace") if isinstance(told, bytes) else str(told))
            if isinstance(error, smtplib.SMTPAuthenticationError) and reply.outcome is Outcome.REFUSED:
                return Delivery(Outcome.REFUSED, f"{reply}. Next: check user and password of mail_server")
            return Delivery(reply.outcome, str(reply))
        except (smtplib.SMTPException, OSError) as error:
            return Delivery(Outcome.RETRY, f"no answer from {self._server.host}: {innermost(error)}")
        if final.is_taken:
            taken.update(one for one, reply in replies.items() if reply.is_taken)
        return self._judged(replies, final, already=len(self._recipients) - len(left))

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        server, name = self._server, socket.gethostname()
        smtp: smtplib.SMTP
        if server.security == "tls":
            smtp = smtplib.SMTP_SSL(server.host, server.port, name, timeout=READ_SECONDS, context=self._context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, name, timeout=READ_SECONDS)
        try:
            if server.security == "starttls":
                smtp.starttls(context=self._context)  # raises where the server does not offer it
            if server.user:
                smtp.login(server.user, self._password or "")
            yield smtp
        finally:
            with suppress(smtplib.SMTPException):  # the letter's fate was told before: no farewell changes it
                smtp.quit()
            smtp.close()

    def _transaction(
        self, smtp: smtplib.SMTP, recipients: Sequence[str], letter: bytes
    ) -> tuple[dict[str, Reply], Reply]:
        smtp.ehlo_or_helo_if_needed()
        begun = Reply.of(smtp.mail(self._server.sender))
        if not begun.is_taken:
            return dict.fromkeys(recipients, begun), begun
        replies = {one: Reply.of(smtp.rcpt(one)) for one in recipients}
        if not any(reply.is_taken for reply in replies.values()):
            return replies, next(iter(replies.values()))
        return replies, Reply.of(smtp.data(letter))

    def _judged(self, replies: dict[str, Reply], final: Reply, already: int) -> Delivery:
        refused = {one: reply for one, reply in replies.items() if not reply.is_taken}
        told = "; ".join([str(final), *(f"{one}: {reply}" for one, reply in refused.items() if reply != final)])
        if not final.is_taken and len(refused) < len(replies):  # the recipients were fine, the message was not
            return Delivery(final.outcome, told)
        if any(reply.outcome is Outcome.RETRY for reply in refused.values()):
            return Delivery(Outcome.RETRY, told)
        if len(refused) == len(replies) and not already:
            return Delivery(Outcome.REFUSED, told)
        return Delivery(Outcome.DELIVERED, told)

    def _letter(self, parcel: Parcel) -> bytes:
        written = write(parcel.messages, self._style)
        letter = EmailMessage(policy=SMTP)
        letter["From"] = self._server.sender
        letter["To"] = ", ".join(self._recipients)
        letter["Subject"] = written.title
        letter["Date"] = format_datetime(self._now())
        # The same at each attempt, so that a mailbox shows a repeat as one letter.
        digest = hashlib.sha256(parcel.key.encode()).hexdigest()[:32]
        letter["Message-ID"] = f"<{digest}@{self._server.sender.rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        if any(message.severity is Severity.CRIT and message.drill is None for message in parcel.messages):
            letter["Importance"] = "high"
        letter.set_content(written.body, cte="base64")  # every server takes it, 8BITMIME or not
        return letter.as_bytes()
