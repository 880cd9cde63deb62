"""Secrets are in vault.yml, and they are secrets."""

import re
from collections.abc import Iterator

from inventory.draft import Draft
from inventory.mistakes import Mistake, nearest
from inventory.vault import REQUIRED, SHORTEST, weakness
from inventory.view import View

USE = re.compile(r"\{\{[^}]*?\b(vault_\w+)")
EDIT = "next: ansible-vault edit --vault-password-file .vault-password group_vars/all/vault.yml"
VAULT_KEYS = ("secret", "community", "auth_key", "privacy_key")
SECRET_KEYS = ("ansible_password", "ansible_become_password")


def check_secrets(draft: Draft) -> Iterator[Mistake]:
    """Yield missing and unusable vault variables, uses of undefined ones, and secrets in plain files."""
    yield from _check_plain(draft)
    if draft.secrets is None:
        return
    secrets = draft.secrets
    for name, purpose in REQUIRED.items():
        if name not in secrets.names():
            yield secrets.get(name).mistake(f"is missing; {purpose}", f"{SHORTEST} random characters or more; {EDIT}")
    owners: dict[str, str] = {}
    for name in secrets.names():
        yield from _check_secret(name, secrets.get(name), owners)
    for view, name in _uses(draft):
        if name not in secrets.names():
            yield view.mistake(f"unknown vault variable {name}", f"{nearest(name, secrets.names())}; or {EDIT}")


def _check_secret(name: str, view: View, owners: dict[str, str]) -> Iterator[Mistake]:
    if not name.startswith("vault_"):
        yield view.mistake("the name does not begin with vault_", f"a name as vault_{name}; {EDIT}")
    if view.path in view.document.refused:
        return
    if view.text is None:
        yield view.mistake("is not text", f"text in quotes; {EDIT}")
        return
    shortest = SHORTEST if name in REQUIRED else 1
    if reason := weakness(view.text, shortest):
        yield view.mistake(reason, f"{shortest} or more random characters, as `openssl rand -hex 32` prints; {EDIT}")
    elif view.text in owners:
        yield view.mistake(f"is the same secret as {owners[view.text]}", f"a secret of its own; {EDIT}")
    owners.setdefault(view.text, name)


def _check_plain(draft: Draft) -> Iterator[Mistake]:
    for leaf in View.of(draft.hosts_document).leaves():
        if leaf.path[-1:] and leaf.path[-1] in SECRET_KEYS and not USE.search(leaf.text or ""):
            yield leaf.mistake("a password is in a plain file", '"{{ vault_NAME }}", a variable of vault.yml')


def _uses(draft: Draft) -> Iterator[tuple[View, str]]:
    for root in (View.of(draft.hosts_document), draft.variables):
        for leaf in root.leaves():
            if leaf.path[-1:] and leaf.path[-1] in VAULT_KEYS:
                yield leaf, leaf.text or ""
            yield from ((leaf, name) for name in USE.findall(leaf.text or ""))
