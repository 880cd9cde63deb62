"""The facility's private files: the vault, its password, the operator's key."""

from collections.abc import Iterator
from pathlib import Path

from inventory.document import Document, parse_document
from inventory.files import OPERATOR_KEY, VAULT, VAULT_PASSWORD
from inventory.mistakes import Mistake
from inventory.vault import VaultError, decrypt, is_encrypted, weakness
from inventory.view import View

SHORTEST_PASSWORD = 20


def open_vault(directory: Path) -> tuple[Document | None, tuple[Mistake, ...]]:
    """Return vault.yml decrypted, None when that is impossible, and every mistake of the vault's two files."""
    file = directory / VAULT
    password, mistakes = _read_password(directory)
    content, reason = _read(file)
    if content is None:
        return None, (*mistakes, Mistake(file, 1, "", reason, f"an encrypted file of secrets; {_make(directory)}"))
    if not is_encrypted(content):
        allowed = "an Ansible Vault file; next: ansible-vault encrypt, then change every secret that was readable in it"
        return None, (*mistakes, Mistake(file, 1, "", "is not encrypted", allowed))
    if password is None:
        return None, mistakes
    try:
        plain = decrypt(content, password)
    except VaultError:
        problem = f"{VAULT_PASSWORD} does not open it: wrong password, or the file is damaged"
        allowed = f"the password it was encrypted with, in {VAULT_PASSWORD}; next: bring both back from one backup"
        return None, (*mistakes, Mistake(file, 1, "", problem, allowed))
    document = parse_document(file, plain, secret=True)
    return (document if document.data is not None else None), (*mistakes, *document.mistakes)


def check_operator_key(directory: Path, variables: View) -> Iterator[Mistake]:
    """Yield what is wrong with the operator's private key."""
    name = variables.get("operator").get("key").text or OPERATOR_KEY
    file = directory / name
    if file.parent != directory:
        return  # the name's own mistake is reported with the shape
    content, reason = _read(file)
    if content is None:
        yield Mistake(file, 1, "", reason, f"the operator's private SSH key; {_make(directory)}")
    elif b"PRIVATE KEY-----" not in content.partition(b"\n")[0]:
        allowed = f"a key as ssh-keygen -t ed25519 makes it; {_make(directory)}"
        yield Mistake(file, 1, "", "is not a private SSH key", allowed)
    else:
        yield from _check_mode(file)


def _read_password(directory: Path) -> tuple[bytes | None, tuple[Mistake, ...]]:
    file = directory / VAULT_PASSWORD
    content, reason = _read(file)
    if content is None:
        return None, (Mistake(file, 1, "", reason, f"a file with the vault's password; {_make(directory)}"),)
    mistakes = tuple(_check_mode(file))
    password = content.strip()
    why = weakness(password.decode("utf-8", "replace"), SHORTEST_PASSWORD)
    if why:
        allowed = f"{SHORTEST_PASSWORD} or more random characters; next: ansible-vault rekey {VAULT}"
        mistakes += (Mistake(file, 1, "", why, allowed),)
    return password or None, mistakes


def _make(directory: Path) -> str:
    return f"next, when it never existed: xinglin init --secrets {directory}; else bring it back from the recovery kit"


def _read(file: Path) -> tuple[bytes | None, str]:
    try:
        return file.read_bytes(), ""
    except FileNotFoundError:
        return None, "is missing"
    except OSError as error:
        return None, f"can't be read: {error.strerror}"


def _check_mode(file: Path) -> Iterator[Mistake]:
    mode = file.stat().st_mode & 0o777
    if mode & 0o077:
        yield Mistake(file, 1, "", f"others may read it (mode {mode:04o})", f"mode 0600; next: chmod 600 {file}")
