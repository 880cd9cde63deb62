"""The recovery code: 160 random bits as people can read, type and check them.

Eight groups of five characters of Crockford's base 32 (no I, L, O, U), four of data and one check character.
The check finds any one wrong character in a group and any two groups in the wrong order, and names the group.
The text with its dashes, as printed, is the restic password, so plain restic needs nothing of ours.
"""

import re
import secrets

from backup.errors import BackupError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0"})
WEIGHTS = (1, 3, 5, 7)
POSITION_WEIGHT = 11
GROUPS = 8
DATA = 4
BYTES = GROUPS * DATA * 5 // 8
SHAPE = re.compile(r"(?<![0-9A-Z-])[0-9A-Z]{5}(?:-[0-9A-Z]{5}){7}(?![0-9A-Z-])")


def new_secret() -> bytes:
    """Return 160 random bits."""
    return secrets.token_bytes(BYTES)


def write(secret: bytes) -> str:
    """Return the code of ``secret`` (20 bytes); raises ValueError for another length."""
    if len(secret) != BYTES:
        raise ValueError(f"{len(secret)} bytes; a recovery code has {BYTES}")
    number = int.from_bytes(secret)
    digits = [number >> 5 * place & 31 for place in reversed(range(GROUPS * DATA))]
    groups = [digits[start : start + DATA] for start in range(0, len(digits), DATA)]
    return "-".join(
        "".join(ALPHABET[digit] for digit in [*group, _check(group, index)]) for index, group in enumerate(groups)
    )


def read(text: str) -> str:
    """Return the code that a person typed, in its one written form.

    Small letters, missing dashes, spaces, and I, L, O for 1, 1, 0 are understood.  Raises BackupError
    ``recovery_code_mistyped``, which names the wrong group and never shows the code.
    """
    typed = re.sub(r"[\s-]", "", text).upper().translate(READ_AS)
    if len(typed) != GROUPS * (DATA + 1):
        raise _mistyped(f"{len(typed)} characters; the code has {GROUPS * (DATA + 1)}")
    groups = [typed[start : start + DATA + 1] for start in range(0, len(typed), DATA + 1)]
    wrong = [str(index + 1) for index, group in enumerate(groups) if not _is_right(group, index)]
    if wrong:
        raise _mistyped(f"group {' and '.join(wrong)} of {GROUPS} is not as printed")
    return "-".join(groups)


def secret_of(code: str) -> bytes:
    """Return the 160 bits of a code that ``read`` has returned."""
    number = 0
    for group in code.split("-"):
        for character in group[:DATA]:
            number = number << 5 | ALPHABET.index(character)
    return number.to_bytes(BYTES)


def _check(digits: list[int], index: int) -> int:
    weighted = sum(weight * digit for weight, digit in zip(WEIGHTS, digits, strict=True))
    return (weighted + POSITION_WEIGHT * index) % 32


def _is_right(group: str, index: int) -> bool:
    if any(character not in ALPHABET for character in group):
        return False
    *data, check = (ALPHABET.index(character) for character in group)
    return check == _check(data, index)


def _mistyped(detail: str) -> BackupError:
    return BackupError("recovery_code_mistyped", "recovery code", detail)
