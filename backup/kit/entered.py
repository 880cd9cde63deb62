"""What a person enters or scans: the recovery code itself, or two of its shares, somewhere in a text."""

import re

from backup.kit import code

SHARE_WORDS = 23


def find(text: str) -> str | None:
    """Return the recovery code that ``text`` holds, as such or in two shares; None when there is neither.

    Raises BackupError ``recovery_code_mistyped``, ``shares_differ``.
    """
    found = code.SHAPE.search(text.upper())
    if found:
        return code.read(found[0])
    lines = shares_in(text)
    if len(lines) < 2:
        return None
    from backup.kit import shares  # noqa: PLC0415 - a library that only shares need

    return shares.combine(lines)


def shares_in(text: str) -> list[str]:
    """Return the lines that have a share's number of words and nothing but words, each once."""
    lines = (" ".join(line.lower().split()) for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if re.fullmatch(rf"[a-z]+(?: [a-z]+){{{SHARE_WORDS - 1}}}", line)))
