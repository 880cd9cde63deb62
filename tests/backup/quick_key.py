"""Makes a repository cheap to open: restic calibrates its scrypt to half a second, which each of its calls then costs.

The repository's master key stays; only its key file is written anew, for the same password with little work.
restic's format: https://restic.readthedocs.io/en/stable/100_references.html (Keys, Encryption and MAC).
"""

import base64
import hashlib
import json
import os
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

N, R, P = 1024, 8, 1
NONCE, TAG = 16, 16


def make_quick(repository: Path, password: str) -> None:
    """Replace the only key file of the repository at ``repository``."""
    (path,) = (repository / "keys").iterdir()
    key = json.loads(path.read_text())
    master = _open(_derive(password, key), base64.b64decode(key["data"]))
    key |= {"N": N, "r": R, "p": P, "salt": base64.b64encode(os.urandom(64)).decode()}
    key["data"] = base64.b64encode(_seal(_derive(password, key), master)).decode()
    content = json.dumps(key).encode()
    quick, before = path.with_name(hashlib.sha256(content).hexdigest()), path.stat()
    quick.write_bytes(content)
    quick.chmod(before.st_mode & 0o777)
    os.chown(quick, before.st_uid, before.st_gid)
    path.unlink()


def _derive(password: str, key: dict[str, str | int]) -> bytes:
    salt, n, r, p = base64.b64decode(str(key["salt"])), int(key["N"]), int(key["r"]), int(key["p"])
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, dklen=64, maxmem=256 * n * r * p)


def _tag(derived: bytes, nonce: bytes, sealed: bytes) -> bytes:
    """Poly1305-AES: the one-time pad is the nonce, encrypted with k."""
    k, r = derived[32:48], derived[48:64]
    pad = Cipher(algorithms.AES(k), modes.ECB()).encryptor().update(nonce)  # noqa: S305 - one block, as Poly1305-AES has it
    return Poly1305.generate_tag(r + pad, sealed)


def _stream(derived: bytes, nonce: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(derived[:32]), modes.CTR(nonce)).encryptor().update(data)


def _open(derived: bytes, data: bytes) -> bytes:
    nonce, sealed, tag = data[:NONCE], data[NONCE:-TAG], data[-TAG:]
    assert _tag(derived, nonce, sealed) == tag, "another password"
    return _stream(derived, nonce, sealed)


def _seal(derived: bytes, plain: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    sealed = _stream(derived, nonce, plain)
    return nonce + sealed + _tag(derived, nonce, sealed)
