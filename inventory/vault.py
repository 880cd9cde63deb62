"""The facility's secrets: which there are, how they are made, encrypted, decrypted and judged.

The form is Ansible Vault's, so that every Ansible tool reads the file.
"""

import re
import secrets

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecret

REQUIRED = {
    "vault_repository_password": "it encrypts the backup repositories, local and offsite",
    "vault_backup_http_secret": "the hosts' passwords at the repositories are derived from it",
    "vault_his_database_password": "it is the HIS application's password at its database",
    "vault_nut_secret": "the hosts' passwords at the UPS's server (NUT) are derived from it",
}
SHORTEST = 32
PLACEHOLDERS = re.compile(
    r"change.?me|example|placeholder|passw[o0]rd|secret|fixme|todo|default|qwerty|letmein|xinglin|your[-_ ]|^<.*>$"
    r"|示例|密码|修改",
    re.IGNORECASE,
)
WEAK = ("", "public", "private", "admin", "root", "test", "none", "null")


class VaultError(Exception):
    """A vault file that this password does not open."""


def new_secret() -> str:
    """Return 256 random bits in hexadecimal."""
    return secrets.token_hex(32)


def encrypt(plain: bytes, password: bytes) -> bytes:
    """Return ``plain`` as an Ansible Vault file."""
    encrypted: bytes = _library(password).encrypt(plain)
    return encrypted


def decrypt(content: bytes, password: bytes) -> bytes:
    """Return the plain text of an Ansible Vault file; raises VaultError for a wrong password or damage."""
    try:
        plain: bytes = _library(password).decrypt(content)
    except AnsibleError as error:
        raise VaultError from error
    return plain


def is_encrypted(content: bytes) -> bool:
    """Tell whether ``content`` is in Ansible Vault's form."""
    return content.startswith(b"$ANSIBLE_VAULT;")


def weakness(secret: str, shortest: int = 1) -> str | None:
    """Return why ``secret`` may not be used, without showing a piece of it, or None when it may."""
    if secret.strip().casefold() in WEAK or PLACEHOLDERS.search(secret):
        return "is an example or a placeholder, not a secret"
    if len(secret) < shortest:
        return f"has {len(secret)} characters"
    if shortest > 1 and len(set(secret)) < 8:
        return "repeats a few characters"
    return None


def _library(password: bytes) -> VaultLib:
    return VaultLib([("default", VaultSecret(password))])
