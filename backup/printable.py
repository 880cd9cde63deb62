"""Text that somebody else wrote in bytes of any encoding: kept as it is inside, shown as far as it can be shown.

Python holds a byte that is no UTF-8 as a lone surrogate (PEP 383); writing it back gives the byte again.
"""

import re

UNREADABLE = "\ufffd"
NOT_UTF8 = re.compile("[\udc80-\udcff]")


def encoded(text: str) -> bytes:
    """Return the very bytes that ``decoded`` made a text of."""
    return text.encode("utf-8", "surrogateescape")


def decoded(octets: bytes) -> str:
    """Return bytes as text, whatever their encoding."""
    return octets.decode("utf-8", "surrogateescape")


def printable(text: str) -> str:
    """Return a text as restic shows it, and as it can be printed and stored: U+FFFD for each byte that is no UTF-8."""
    return NOT_UTF8.sub(UNREADABLE, text)
