"""HTTP passwords of the backup repositories: derived, never stored."""

import base64
import hashlib
from collections.abc import Callable


def repository_http_password(secret: str, repository_host: str, host: str) -> str:
    """Return the password with which ``host`` logs in at the repository on ``repository_host`` (hex SHA-256).

    ``secret`` is the vault's ``vault_backup_http_secret``.  Each pair of hosts has its own password, so one that
    leaks opens one host's part of one repository.
    """
    if not secret:
        raise ValueError("vault_backup_http_secret is empty; next: run `xinglin init` to make the facility's secrets")
    return hashlib.sha256(f"{secret}:{repository_host}:{host}".encode()).hexdigest()


def htpasswd_sha(password: str) -> str:
    """Return ``{SHA}…`` as Apache's htpasswd format writes it.

    Unsalted SHA-1 is enough for the 256-bit passwords above, and the value is the same on every run.
    """
    return "{SHA}" + base64.b64encode(hashlib.sha1(password.encode(), usedforsecurity=False).digest()).decode()


class FilterModule:
    """What Ansible looks for in a filter plug-in."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by the name that templates use."""
        return {"repository_http_password": repository_http_password, "htpasswd_sha": htpasswd_sha}
