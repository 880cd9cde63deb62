"""One raw value as a number or as text, however the device wraps it."""

import re

from agent.polling import Value

TEXT_LIMIT = 100
_NUMBER = re.compile(r"\s*([-+]?\d{1,12}(?:\.\d{1,6})?)\s*[A-Za-z%°]{0,4}\s*\Z", re.ASCII)


def number(value: Value | None) -> float | None:
    """Return the number that a device means, or None."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    match = _NUMBER.match(text.rstrip("\0"))
    return float(match[1]) if match else None


def text(value: Value | None) -> str:
    """Return readable text: up to the first NUL or line's end, in the encodings that cards use."""
    if value is None:
        return ""
    octets = value if isinstance(value, bytes) else str(value).encode()
    octets = re.split(rb"[\0\r\n]", octets, maxsplit=1)[0]
    for encoding in ("utf-8", "gb18030", "latin-1"):
        try:
            decoded = octets.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    return "".join(letter for letter in decoded if letter.isprintable()).strip()[:TEXT_LIMIT]
