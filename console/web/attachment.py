"""Send a file under a name that came from elsewhere (RFC 6266, RFC 8187)."""

import unicodedata
from urllib.parse import quote

# What Windows, whose users will save the file, does not allow in a name.
FORBIDDEN = frozenset('/\\:*?"<>|')
UNRESERVED = "!#$&+-.^_`|~"
LONGEST = 150


def safe_name(name: str) -> str:
    """Return a name that every system can save: no path, no control or direction characters, not empty."""
    kept = "".join("_" if char in FORBIDDEN or unicodedata.category(char)[0] == "C" else char for char in name)
    stem, dot, suffix = kept.strip(" .").rpartition(".")
    short = f"{stem[:LONGEST]}{dot}{suffix[:LONGEST]}" if dot else suffix[:LONGEST]
    return short or "file"


def disposition(name: str) -> str:
    """Return the value of Content-Disposition that makes a browser save the file under (nearly) this name."""
    safe = safe_name(name)
    ascii_only = "".join(char if char.isascii() and char != "%" else "_" for char in safe)
    return f"attachment; filename=\"{ascii_only}\"; filename*=UTF-8''{quote(safe, safe=UNRESERVED)}"
