"""What a kit holds sealed: lines NAME=VALUE, encrypted with the recovery code so that plain OpenSSL opens them.

The form is that of ``openssl enc``: ``Salted__``, 8 bytes of salt, AES-256-CBC with PKCS #7 padding (RFC 5652); key and
IV are PBKDF2-HMAC-SHA256 (RFC 8018) of the code as printed.  The code is 160 random bits, so nobody guesses it; the
iterations are only what people expect to see.  The form proves nothing by itself: a wrong code or a mistyped text can
decrypt to noise, so the last line is the SHA-256 of the lines before it, and ``openssl`` users compare it by hand.
"""

import binascii
import hashlib
import os
import shlex
from base64 import b64decode, encodebytes
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from backup.errors import BackupError

MAGIC = b"Salted__"
SALT_BYTES, KEY_BYTES, BLOCK_BYTES = 8, 32, 16
ITERATIONS = 600_000
ROW_BYTES = 48
"""Of a row of base 64 with its 64 characters: OpenSSL 1.1 reads no longer ones than 76."""
CHECK = "# sha256 "
COMMAND = f"openssl enc -d -aes-256-cbc -pbkdf2 -iter {ITERATIONS} -md sha256 -a"
"""What opens a sealed text, ``-in FILE`` to be added; it asks for the code."""
PLACE = "recovery kit"


def seal(variables: Mapping[str, str], code: str) -> str:
    """Return ``variables``, sealed with ``code``, as rows of 64 characters of base 64."""
    lines = "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())
    salt = os.urandom(SALT_BYTES)
    padder = padding.PKCS7(BLOCK_BYTES * 8).padder()
    encryptor = _cipher(code, salt).encryptor()
    padded = padder.update(f"{lines}{_check(lines)}".encode()) + padder.finalize()
    sealed = MAGIC + salt + encryptor.update(padded) + encryptor.finalize()
    return "".join(
        encodebytes(sealed[start : start + ROW_BYTES]).decode() for start in range(0, len(sealed), ROW_BYTES)
    )


def unseal(text: str, code: str) -> str:
    """Return the lines NAME=VALUE in ``text`` for a shell to read, their check last.

    Raises BackupError ``kit_not_opened`` for another code and for a text that is not as printed.
    """
    try:
        sealed = b64decode("".join(text.split()), validate=True).removeprefix(MAGIC)
        decryptor = _cipher(code, sealed[:SALT_BYTES]).decryptor()
        unpadder = padding.PKCS7(BLOCK_BYTES * 8).unpadder()
        padded = decryptor.update(sealed[SALT_BYTES:]) + decryptor.finalize()
        plain = (unpadder.update(padded) + unpadder.finalize()).decode()
    except (binascii.Error, ValueError) as error:
        raise _not_opened() from error
    lines, _, _ = plain.rpartition(CHECK)
    if plain != f"{lines}{_check(lines)}":
        raise _not_opened()
    return plain


def _cipher(code: str, salt: bytes) -> Cipher[modes.CBC]:
    derived = PBKDF2HMAC(hashes.SHA256(), KEY_BYTES + BLOCK_BYTES, salt, ITERATIONS).derive(code.encode())
    return Cipher(algorithms.AES(derived[:KEY_BYTES]), modes.CBC(derived[KEY_BYTES:]))


def _check(lines: str) -> str:
    return f"{CHECK}{hashlib.sha256(lines.encode()).hexdigest()}\n"


def _not_opened() -> BackupError:
    return BackupError("kit_not_opened", PLACE, "another code, or a sealed text that is not as printed")
