"""What the guard says about a snapshot, as sentences with numbers in them: built here, and read back to be translated.

An anomaly's detail is plain English text in every record; who shows it in another language gets the sentence and its
values back with ``parse``.
"""

import re
from functools import cache

CHANGED = "{files} of {all} files changed or renamed ({share}; usual {usual})"
DELETED = "{files} of {all} files deleted ({share}; usual {usual})"
RANDOM_FILES = "{size} of new files, compression ratio {ratio} (usual {usual})"
RANDOM_DUMP = "{path}: {size} of new data, compression ratio {ratio} (usual {usual})"
GROWN = "{size} added (usual {usual}, all data {all})"
SHRUNK = "{path}: {size}, the one before had {before}"
TYPES = "{files} of {all} files have new extensions: {extensions}"
IN_THE_FUTURE = "its time {time} is in the future"
MADE_AT_ANOTHER_TIME = "its time is {time}, but it was made at {other}"
OUTSIDE_ITS_RUN = "its time is {time}, but its run began at {other}"
NEW_BUT_OLD = "it is new, but its time {time} is before {other}, when others were made"
MANY_IN_A_DAY = "{count} sets in 24 hours (usual {usual})"
MANY_IN_A_WEEK = "{count} sets in 7 days (usual {usual})"
SENTENCES = (
    CHANGED,
    DELETED,
    RANDOM_FILES,
    RANDOM_DUMP,
    GROWN,
    SHRUNK,
    TYPES,
    IN_THE_FUTURE,
    MADE_AT_ANOTHER_TIME,
    OUTSIDE_ITS_RUN,
    NEW_BUT_OLD,
    MANY_IN_A_DAY,
    MANY_IN_A_WEEK,
)
UNITS = ("B", "KiB", "MiB", "GiB")


def size(count: float) -> str:
    """Return bytes as in ``14.8 GiB``."""
    amount = float(count)
    for unit in UNITS:
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def parse(detail: str) -> tuple[str, dict[str, str]] | None:
    """Return the sentence (one of ``SENTENCES``) and the values that make ``detail``; None when none does."""
    for sentence in SENTENCES:
        if found := _pattern(sentence).fullmatch(detail):
            return sentence, found.groupdict()
    return None


@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(sentence)), re.DOTALL)
