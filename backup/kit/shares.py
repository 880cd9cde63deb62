"""The recovery code as three shares of SLIP-39 words, any two of which give it back; one alone says nothing."""

from collections.abc import Sequence

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics

from backup.errors import BackupError
from backup.kit import code

NEEDED, MADE = 2, 3
PLACE = "recovery shares"


def split(text: str) -> tuple[str, ...]:
    """Return the three shares of a recovery code, each one line of words."""
    return tuple(generate_mnemonics(1, [(NEEDED, MADE)], code.secret_of(text))[0])


def combine(shares: Sequence[str]) -> str:
    """Return the recovery code of two shares (a third is not needed).

    Raises BackupError ``recovery_code_mistyped`` or ``shares_differ``.
    """
    for number, share in enumerate(shares, 1):
        try:
            Share.from_mnemonic(" ".join(share.lower().split()))
        except MnemonicError as error:
            raise BackupError("recovery_code_mistyped", PLACE, f"share {number}: {error}") from error
    try:
        secret = combine_mnemonics([" ".join(share.lower().split()) for share in shares[:NEEDED]])
    except MnemonicError as error:
        raise BackupError("shares_differ", PLACE, str(error)) from error
    if len(secret) != code.BYTES:
        raise BackupError("shares_differ", PLACE, "they hold something else than a recovery code")
    return code.write(secret)
