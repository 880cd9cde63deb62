"""Numbers and times as people read them: IEC sizes, durations in words, the facility's time of day."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

from babel import Locale
from babel.dates import format_timedelta
from markupsafe import Markup

from console.web import context
from console.web.context import _

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(value: float | None) -> str:
    """Return bytes in IEC units: ``1.5 GiB``; an unknown value is a dash."""
    if value is None:
        return "–"
    amount, unit = float(value), UNITS[0]
    for unit in UNITS:
        if abs(amount) < 1024 or unit == UNITS[-1]:
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def percent(ratio: float | None, digits: int = 1) -> str:
    """Return a ratio 0..1 as ``37.4%``."""
    return "–" if ratio is None else f"{ratio * 100:.{digits}f}%"


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with a fixed count of digits."""
    return "–" if value is None else f"{value:.{digits}f}"


def duration(seconds: float | None) -> str:
    """Return seconds in words, the two largest units: ``2 h 13 min``."""
    if seconds is None:
        return "–"
    if seconds < 0:
        return "−" + duration(-seconds)
    if seconds < 10:
        return _("{count} s", count=f"{seconds:.1f}")
    whole = round(seconds)
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [
        _("{count} d", count=days) if days else "",
        _("{count} h", count=hours) if hours else "",
        _("{count} min", count=minutes) if minutes else "",
        _("{count} s", count=rest) if rest else "",
    ]
    largest = next((index for index, part in enumerate(parts) if part), 3)
    return " ".join(part for part in parts[largest : largest + 2] if part)


@cache
def _babel(name: str) -> Locale:
    return Locale.parse(name)  # 0.5 ms each time, and a page has a hundred times of day


def relative(moment: datetime) -> str:
    """Return how long ago, in words: ``3 minutes ago``."""
    if abs((moment - context.now()).total_seconds()) < 1:
        return _("just now")
    return format_timedelta(moment - context.now(), add_direction=True, locale=_babel(context.locale()))


def local(moment: datetime, *, seconds: bool = False) -> str:
    """Return the facility's time of day with its date; the year only when it is another one."""
    here = moment.astimezone(context.zone())
    today = context.now().astimezone(context.zone())
    day = "" if here.date() == today.date() else f"{here:%m-%d} " if here.year == today.year else f"{here:%Y-%m-%d} "
    return day + (f"{here:%H:%M:%S}" if seconds else f"{here:%H:%M}")


def _time(moment: datetime, shown: str, title: str) -> Markup:
    machine = moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(machine, title, shown)


def when(moment: datetime | None) -> Markup:
    """Return a ``<time>``: local time as text, relative in its title."""
    return Markup("–") if moment is None else _time(moment, local(moment), relative(moment))


def clock(moment: datetime | None) -> Markup:
    """Return a ``<time>`` with seconds."""
    return Markup("–") if moment is None else _time(moment, local(moment, seconds=True), relative(moment))


def ago(moment: datetime | None) -> Markup:
    """Return a ``<time>`` the other way round: relative as text, local in its title."""
    return Markup("–") if moment is None else _time(moment, relative(moment), local(moment, seconds=True))


def unix_when(seconds: int) -> Markup:
    """Return a ``<time>`` of Unix seconds."""
    return when(datetime.fromtimestamp(seconds, UTC))


def parsed(text: str) -> datetime:
    """Return the time of an RFC 3339 text, as status files hold it."""
    return datetime.fromisoformat(text)


def rate(value: float | None) -> str:
    """Return bytes in a second."""
    return "–" if value is None else f"{size(value)}/s"


def volts(value: float | None) -> str:
    """Return a voltage: ``229.6 V``."""
    return "–" if value is None else f"{value:.1f} V"


def celsius(value: float | None) -> str:
    """Return a temperature: ``25.3 °C``."""
    return "–" if value is None else f"{value:.1f} °C"


def minutes(seconds: float | None) -> str:
    """Return seconds as minutes, as batteries are spoken of: ``37 min``; with tenths below ten."""
    if seconds is None:
        return "–"
    return _("{count} min", count=f"{seconds / 60:.0f}" if seconds >= 600 else f"{seconds / 60:.1f}")


MEASURES: dict[str, Callable[[float | None], str]] = {
    "ratio": percent,
    "rate": rate,
    "number": number,
    "minutes": minutes,
    "volts": volts,
    "celsius": celsius,
}


def measured(value: float | None, unit: str) -> str:
    """Return a value of a chart of that unit."""
    return MEASURES[unit](value)


ADDED, REMOVED, PLAIN = Markup("<ins>{}</ins>"), Markup("<del>{}</del>"), Markup("{}")


def diff(text: str) -> Markup:
    """Return a unified diff with its added and removed lines marked up."""
    lines = []
    for line in text.splitlines(keepends=True):
        marked = ADDED if line.startswith("+") else REMOVED if line.startswith("-") else PLAIN
        lines.append(marked.format(line))
    return Markup("").join(lines)


FILTERS = {
    "volts": volts,
    "celsius": celsius,
    "minutes": minutes,
    "unix_when": unix_when,
    "parsed": parsed,
    "rate": rate,
    "measured": measured,
    "diff": diff,
    "size": size,
    "percent": percent,
    "number": number,
    "duration": duration,
    "when": when,
    "clock": clock,
    "ago": ago,
}
