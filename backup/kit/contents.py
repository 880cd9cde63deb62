"""What a recovery kit says: all that a rebuild needs beside the code itself, a bare machine and the vault."""

import hashlib
import json
import ssl
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from backup.errors import BackupError
from backup.kit import copies as further
from backup.kit import lines
from backup.kit.copies import Copies
from backup.status import format_time, parse_time

SCHEMA, SCHEMA_WITH_COPIES = 1, 2
"""A kit without further copies stays readable for software that knows of none; one with them says that it is newer."""


@dataclass(frozen=True)
class Machine:
    """A host as the kit names it; ``known_hosts`` are its lines of OpenSSH's known_hosts (public keys)."""

    name: str
    address: str
    port: int
    known_hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class KitRepository:
    """A host's repository at the kit's server: a rest-server's URL without credentials, and the login to read it."""

    host: str
    url: str
    user: str
    http_password: str = field(repr=False)


@dataclass(frozen=True)
class Kit:
    """A kit without its recovery code.

    ``server`` holds the repositories (the vault; the appliance where a facility has no vault).  ``ca`` is the
    certificate of the facility's authority, PEM.  ``debian`` is the appliance's release.  ``copies`` are the facility's
    further copies, None where there are none.
    """

    number: str
    facility: str
    name_zh: str
    name_en: str
    made_at: datetime
    operator: str
    appliance: Machine
    debian: int
    server: Machine
    server_port: int
    ca: str
    repositories: tuple[KitRepository, ...]
    copies: Copies | None = None

    @property
    def has_vault(self) -> bool:
        """Whether the repositories outlive the appliance."""
        return self.server.name != self.appliance.name

    @property
    def ca_sha256(self) -> str:
        """The SHA-256 fingerprint of the authority's certificate as ``openssl x509 -fingerprint`` writes it."""
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.ca)).hexdigest().upper()
        return ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))

    def repository(self, host: str) -> KitRepository:
        """Return the repository of ``host``; raises BackupError ``kit_unreadable`` when the kit has none."""
        for repository in self.repositories:
            if repository.host == host:
                return repository
        raise BackupError("kit_unreadable", f"kit {self.number}", f"it names no repository of {host}")


def to_lines(kit: Kit) -> tuple[str, ...]:
    """Return the machine-readable form: a few lines, each fit for one QR code."""
    data = asdict(kit) | {"schema": SCHEMA, "made_at": format_time(kit.made_at)}
    data["ca"] = _base64_of(kit.ca)
    del data["copies"]
    if kit.copies:
        data |= {"schema": SCHEMA_WITH_COPIES, "copies": further.to_data(kit.copies)}
    return lines.write(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())


def from_text(text: str) -> Kit:
    """Return the kit whose lines are somewhere in ``text``; raises BackupError ``kit_unreadable``."""
    content = lines.read(text)
    try:
        return _kit(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        known = f"{SCHEMA} or {SCHEMA_WITH_COPIES}"
        raise BackupError("kit_unreadable", "recovery kit", f"not a kit of schema {known}: {error!r}") from error


def _kit(data: dict[str, Any]) -> Kit:
    schema = data.pop("schema")
    if schema != (SCHEMA_WITH_COPIES if "copies" in data else SCHEMA):
        raise ValueError(f"schema {schema}")
    return Kit(
        **{
            **data,
            "made_at": parse_time(data["made_at"]),
            "appliance": _machine(data["appliance"]),
            "server": _machine(data["server"]),
            "ca": _pem(data["ca"]),
            "repositories": tuple(KitRepository(**item) for item in data["repositories"]),
            "copies": further.from_data(data["copies"]) if "copies" in data else None,
        }
    )


def _machine(data: dict[str, Any]) -> Machine:
    return Machine(**{**data, "known_hosts": tuple(data["known_hosts"])})


def _base64_of(pem: str) -> str:
    return "".join(pem.strip().splitlines()[1:-1])


def _pem(text: str) -> str:
    rows = [text[place : place + 64] for place in range(0, len(text), 64)]
    pem = "\n".join(["-----BEGIN CERTIFICATE-----", *rows, "-----END CERTIFICATE-----", ""])
    ssl.PEM_cert_to_DER_cert(pem)
    return pem
