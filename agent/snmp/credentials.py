"""What a device is asked with: read from the file that systemd passes, shown nowhere."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MIN_KEY_CHARACTERS = 8
"""RFC 3414 section 11.2: a pass phrase for SNMPv3 has 8 characters or more."""


@dataclass(frozen=True)
class Community:
    """SNMPv1 or v2c: whoever hears the wire knows it."""

    version: str  # v1 | v2c
    community: str = field(repr=False)


@dataclass(frozen=True)
class User:
    """SNMPv3 authPriv: HMAC-192-SHA-256 (RFC 7860) and AES-128 (RFC 3826), both from pass phrases."""

    user: str
    auth_key: str = field(repr=False)
    privacy_key: str = field(repr=False)


Credentials = Community | User


def read_credentials(path: Path, mistakes: list[str]) -> dict[str, Credentials]:
    """Return device name → credentials of a file ``snmp.json``; adds what is wrong with it to ``mistakes``."""
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        mistakes.append(f"credentials {path}: {error.strerror or error}")
        return {}
    except ValueError as error:
        mistakes.append(f"credentials {path}: not JSON ({type(error).__name__})")  # its message would quote the file
        return {}
    if not isinstance(data, dict):
        mistakes.append(f"credentials {path}: not a JSON object")
        return {}
    found: dict[str, Credentials] = {}
    for name, entry in data.items():
        try:
            found[name] = _credentials(entry)
        except ValueError as error:
            mistakes.append(f"credentials {path}: {name}: {error}")
    return found


def _credentials(entry: object) -> Credentials:
    if not isinstance(entry, dict):
        raise ValueError("must be an object")  # noqa: TRY004 - a mistake in a file, not in a program
    version, rest = entry.get("version"), {key: value for key, value in entry.items() if key != "version"}
    if not all(isinstance(value, str) and value for value in rest.values()):
        raise ValueError("every value must be a text that is not empty")
    if version in {"v1", "v2c"}:
        if set(rest) != {"community"}:
            raise ValueError(f"{version} needs community and nothing else")
        return Community(version, **rest)
    if version != "v3":
        raise ValueError("version must be v1, v2c or v3")
    if set(rest) != {"user", "auth_key", "privacy_key"}:
        raise ValueError("v3 needs user, auth_key and privacy_key and nothing else")
    if min(len(rest["auth_key"]), len(rest["privacy_key"])) < MIN_KEY_CHARACTERS:
        raise ValueError(f"auth_key and privacy_key need {MIN_KEY_CHARACTERS} characters or more (RFC 3414)")
    return User(**rest)
