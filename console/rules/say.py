"""Numbers and times inside a problem's text."""

from datetime import datetime
from zoneinfo import ZoneInfo

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def local_time(moment: datetime | None, zone: ZoneInfo) -> str:
    """Return ``2026-11-23 16:00`` in the facility's zone, a dash for never."""
    return "—" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def size(count: float) -> str:
    """Return bytes in IEC units, such as ``1.5 GiB``."""
    amount = float(count)
    for unit in UNITS[:-1]:
        if abs(amount) < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} {UNITS[-1]}"


def hours(seconds: float) -> str:
    """Return hours with one decimal."""
    return f"{seconds / 3600:.1f}"


def local_date(moment: datetime, zone: ZoneInfo) -> str:
    """Return ``2026-11-23`` in the facility's zone."""
    return f"{moment.astimezone(zone):%Y-%m-%d}"
