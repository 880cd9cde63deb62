"""Lookup ``facility_files``: what of a facility's directory its appliance keeps, in the form of ``managed_files``.

Terms: the facility's directory, the copy's directory, the name of the operator's key.  Files are read as they are:
unlike Ansible's own lookup ``file``, this one never decrypts a vault.  A listed file that is not there is left out.
"""

from __future__ import annotations

from pathlib import Path

from ansible.plugins.lookup import LookupBase

FILES = (
    ".facility.schema.json",
    ".gitignore",
    ".vault-password",
    "ca.crt",
    "group_vars/all/facility.yml",
    "group_vars/all/vault.yml",
    "hosts.yml",
    "known_hosts",
    "recovery.json",
)


def copies(facility: Path, copy: str, operator_key: str) -> list[dict[str, str]]:
    """Return ``path``, ``content`` and ``mode`` of each file, for nobody but root."""
    names = (*FILES, operator_key, f"{operator_key}.pub")
    return [
        {"path": f"{copy}/{name}", "content": (facility / name).read_text(encoding="utf-8"), "mode": "0600"}
        for name in names
        if (facility / name).is_file()
    ]


class LookupModule(LookupBase):  # type: ignore[misc]
    """What Ansible looks for in a lookup plug-in."""

    def run(self, terms: list[str], variables: object = None, **_: object) -> list[list[dict[str, str]]]:  # noqa: ARG002
        """Return one list of files."""
        facility, copy, operator_key = terms
        return [copies(Path(facility), copy, operator_key)]
