"""Bytes as a few lines of capitals and digits: each fits one QR code, can be typed, and tells when it is wrong.

A line is ``XINGLIN1/NUMBER/COUNT/CRC/DATA/``: CRC is the CRC-32 of DATA in hexadecimal, DATA is base 32 of a part
of the zlib-compressed content.  Lines may come in any order, more than once, and among other text.
"""

import base64
import binascii
import re
import zlib

from backup.errors import BackupError

MARK = "XINGLIN1"
CHARACTERS = 480
"""So many of DATA in a line: a QR code of version 14 (73 modules), which any telephone reads from paper."""
LINE = re.compile(rf"{MARK}/(\d+)/(\d+)/([0-9A-F]{{8}})/([A-Z2-7]+)/")
PLACE = "recovery kit"


def write(content: bytes) -> tuple[str, ...]:
    """Return the lines of ``content``."""
    text = base64.b32encode(zlib.compress(content, 9)).decode().rstrip("=")
    parts = [text[start : start + CHARACTERS] for start in range(0, len(text), CHARACTERS)]
    return tuple(f"{MARK}/{number}/{len(parts)}/{_crc(part)}/{part}/" for number, part in enumerate(parts, 1))


def read(text: str) -> bytes:
    """Return the content of the lines in ``text``; a line may be broken by spaces and new lines within DATA.

    Raises BackupError ``kit_unreadable``, which names the line that is missing or wrong.
    """
    found: dict[int, str] = {}
    counts = set()
    for piece in text.upper().split(MARK)[1:]:
        match = LINE.match(re.sub(r"\s+", "", MARK + piece))
        if match is None:
            continue
        number, count, crc, data = int(match[1]), int(match[2]), match[3], match[4]
        counts.add(count)
        if _crc(data) == crc:
            found[number] = data
    if len(counts) != 1:
        raise BackupError("kit_unreadable", PLACE, "lines of different kits" if counts else f"no line with {MARK}/")
    count = counts.pop()
    missing = [str(number) for number in range(1, count + 1) if number not in found]
    if missing:
        raise BackupError("kit_unreadable", PLACE, f"of {count} lines, missing or not as printed: {', '.join(missing)}")
    whole = "".join(found[number] for number in range(1, count + 1))
    try:
        return zlib.decompress(base64.b32decode(whole + "=" * (-len(whole) % 8)))
    except (binascii.Error, zlib.error) as error:
        raise BackupError("kit_unreadable", PLACE, str(error)) from error


def _crc(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08X}"
