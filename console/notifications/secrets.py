"""The routes' secrets, apart from their configuration: ``notifications.json``, a systemd credential of the worker.

``{"routes": {NAME: SECRET}, "mail": PASSWORD or null}``
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from console.configcheck import ConfigError

NAME = "notifications.json"
INSTALLED = Path("/etc/xinglin/secrets") / NAME
NEXT = "Next: provision the appliance (xinglin provision)"


@dataclass(frozen=True)
class Secrets:
    """What opens the routes; it does not show itself."""

    routes: Mapping[str, str] = field(default_factory=dict, repr=False)
    mail: str | None = field(default=None, repr=False)

    @property
    def all(self) -> tuple[str, ...]:
        """Return every secret."""
        return (*self.routes.values(), *([self.mail] if self.mail else []))


def secrets_file(environ: Mapping[str, str]) -> Path:
    """Return where the secrets are: what systemd gave this unit, else the file that root reads."""
    directory = environ.get("CREDENTIALS_DIRECTORY")
    return Path(directory) / NAME if directory else INSTALLED


def load_secrets(path: Path) -> Secrets:
    """Read the secrets.  Raises ``ConfigError``, which never quotes the file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(path, (f"cannot be read: {error.strerror}. {NEXT}",)) from None
    except ValueError:
        raise ConfigError(path, (f"is not JSON. {NEXT}",)) from None
    routes, mail = (document.get("routes"), document.get("mail")) if isinstance(document, dict) else (None, None)
    if not isinstance(routes, dict) or not all(isinstance(one, str) for one in (*routes.values(), mail or "")):
        raise ConfigError(path, (f"is not {{routes: {{NAME: SECRET}}, mail: PASSWORD or null}}. {NEXT}",))
    return Secrets({str(name): secret for name, secret in routes.items()}, mail)
