"""PostgreSQL's password verifiers, so that a database password never leaves the controller."""

import base64
import hashlib
import hmac
from collections.abc import Callable

ITERATIONS = 4096
"""PostgreSQL's own default (``scram_iterations``)."""


def postgresql_verifier(password: str, role: str) -> str:
    """Return the SCRAM-SHA-256 verifier of ``password`` as PostgreSQL stores it (RFC 5803).

    The salt is derived from password and role, so that the same password gives the same verifier on every run and
    a change can be told from none by comparing.  ASCII passwords only: those need no SASLprep.
    """
    if not password.isascii() or not password:
        raise ValueError(f"the database password of {role} must be ASCII and not empty; next: correct it in vault.yml")
    salt = hmac.digest(password.encode(), b"xinglin salt " + role.encode(), "sha256")[:16]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (base64.b64encode(value).decode() for value in (salt, stored, server))
    return f"SCRAM-SHA-256${ITERATIONS}:{salt_text}${stored_text}:{server_text}"


class FilterModule:
    """What Ansible looks for in a filter plug-in."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by the name that templates use."""
        return {"postgresql_verifier": postgresql_verifier}
