"""Write messages as people read them: the facility's language first, the other beneath, the essentials on top."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from console.i18n import DEFAULT_LOCALE, LOCALES, translate
from console.notifications.limit import MOST
from console.notifications.message import Kind, Message
from console.rules.problem import ORDER, Severity

WORDS = {Severity.CRIT: "Critical", Severity.WARN: "Warning"}
DRILL_MARK = "[Drill] {title}"
ELLIPSIS = "…"
LONGEST_TITLE_BYTES = 200


@dataclass(frozen=True)
class Style:
    """How a facility's messages are written."""

    locale: str
    zone: ZoneInfo

    @property
    def locales(self) -> tuple[str, ...]:
        """Return the facility's language and the other one."""
        first = self.locale if self.locale in LOCALES else DEFAULT_LOCALE
        return (first, *(one for one in LOCALES if one != first))


@dataclass(frozen=True)
class Written:
    """A message ready for a channel: the title in one line, and the rest."""

    title: str
    body: str

    @property
    def whole(self) -> str:
        """Return title and body for a channel that knows no titles."""
        return f"{self.title}\n{self.body}"


def write(messages: Sequence[Message], style: Style) -> Written:
    """Return one message, or several as one summary, worst first and drills last.

    Order: title, facility and time, link, text; then title and text in the other language.  So cutting the end of it
    costs what is repeated before it costs what is needed.
    """
    if len(messages) == 1:
        return _single(messages[0], style)
    worst_first = sorted(messages, key=lambda one: (one.drill is not None, ORDER[one.severity], one.at))
    first, other = style.locales
    lines = [f"{headline(one, first)} · {_clock(one.at, style)}" for one in worst_first]
    lines += ["", _held(other, len(messages)), *(headline(one, other) for one in worst_first)]
    newest = max(messages, key=lambda one: one.at)
    # The address of one incident, without its number, is the list of all.
    place = [newest.facility_zh, newest.url.rpartition("/")[0] if newest.incident_id is not None else newest.url]
    together = _held(first, len(messages))
    if all(one.drill is not None for one in messages):
        together = marked(newest, first, together)
    return Written(together, "\n".join([*place, *lines]))


def headline(message: Message, locale: str) -> str:
    """Return what happened, in one line: ``【严重】机柜 UPS 由电池供电``, in a drill with ``【演练】`` before it."""
    severity = translate(locale, WORDS[message.severity])
    tag = {
        Kind.OPENED: severity,
        Kind.WORSENED: translate(locale, "Now {severity}", {"severity": severity}),
        Kind.RESOLVED: translate(locale, "Resolved"),
        Kind.DRILL: translate(locale, "Corrected"),
        Kind.REAL: translate(locale, "No drill: {severity}", {"severity": severity}),
        Kind.TEST: translate(locale, "Test"),
    }[message.kind]
    title = " ".join((message.title_zh if locale == "zh_CN" else message.title_en).split())
    return marked(message, locale, f"【{tag}】{title}" if locale == "zh_CN" else f"[{tag}] {title}")


def marked(message: Message, locale: str, title: str) -> str:
    """Return a title with the mark of a drill where the message belongs to one."""
    return title if message.drill is None else translate(locale, DRILL_MARK, {"title": title})


def _single(message: Message, style: Style) -> Written:
    first, other = style.locales
    head = [f"{message.facility_zh} · {_clock(message.at, style)}", message.url]
    body = {"zh_CN": message.body_zh, "en": message.body_en}
    tail = ["", headline(message, other), body[other]]
    return Written(cut(headline(message, first), LONGEST_TITLE_BYTES), "\n".join([*head, body[first], *tail]).strip())


def _held(locale: str, count: int) -> str:
    return translate(locale, "{count} messages together: more than {most} a minute", {"count": count, "most": MOST})


def _clock(moment: datetime, style: Style) -> str:
    return f"{moment.astimezone(style.zone):%Y-%m-%d %H:%M:%S}"


def cut(text: str, limit_bytes: int) -> str:
    """Return ``text`` with at most ``limit_bytes`` bytes of UTF-8, cut between characters and then marked by ``…``."""
    encoded = text.encode()
    if len(encoded) <= limit_bytes:
        return text
    return encoded[: limit_bytes - len(ELLIPSIS.encode())].decode(errors="ignore") + ELLIPSIS
