"""Load a facility: read its files, check everything, answer with the typed facility or with every mistake."""

import os
from collections.abc import Iterator
from pathlib import Path

from inventory.checks import CHECKS
from inventory.document import read_document
from inventory.draft import Draft
from inventory.files import HOSTS, VARIABLES, VAULT
from inventory.hosts import HostEntry, read_hosts
from inventory.mistakes import FacilityError, Mistake
from inventory.private import check_operator_key, open_vault
from inventory.schema.facility import FacilityVariables
from inventory.schema.host import Host, HostVariables
from inventory.schema.network import BUILTIN_SERVICES
from inventory.schema.whole import Facility
from inventory.shape import check_shape
from inventory.view import View

ENVIRONMENT = "XINGLIN_FACILITY"
DEFAULT = Path("facility")


def find_facility(path: Path | None) -> Path:
    """Return the facility's directory: ``path``, else $XINGLIN_FACILITY, else ./facility.

    Raises FacilityError when there is no hosts.yml in it.
    """
    directory = path or Path(os.environ.get(ENVIRONMENT) or DEFAULT)
    if not (directory / HOSTS).is_file():
        allowed = (
            f"a facility's directory, as argument, in ${ENVIRONMENT} or as ./{DEFAULT}; next: xinglin init {directory}"
        )
        raise FacilityError([Mistake(directory / HOSTS, 1, "", "there is no facility here", allowed)])
    return directory


def load_facility(path: Path) -> Facility:
    """Return the facility in the directory ``path``; raises FacilityError with every mistake in it."""
    hosts_document = read_document(path / HOSTS)
    variables = View.of(read_document(path / VARIABLES))
    vault, vault_mistakes = open_vault(path)
    hosts: tuple[HostEntry, ...] | None = None
    mistakes = [*hosts_document.mistakes, *variables.document.mistakes, *vault_mistakes, *_stray_files(path)]
    if hosts_document.data is not None:
        hosts, host_mistakes = read_hosts(hosts_document)
        mistakes += host_mistakes
    if variables.value is not None:
        mistakes += check_shape(variables, FacilityVariables)
    mistakes += check_operator_key(path, variables)
    draft = Draft(path, hosts_document, hosts, variables, View.of(vault) if vault else None)
    for check in CHECKS:
        mistakes += check(draft)
    if mistakes:
        raise FacilityError(mistakes)
    return _facility(draft)


def _stray_files(path: Path) -> Iterator[Mistake]:
    """Refuse files of variables that Ansible would read and this loader would not."""
    known = {path / VARIABLES, path / VAULT}
    for folder in ("group_vars", "host_vars"):
        for file in sorted((path / folder).rglob("*")):
            if file.is_file() and file not in known and not file.name.startswith("."):
                yield Mistake(file, 1, "", "Ansible would read this file, unchecked", f"only {VARIABLES} and {VAULT}")


def _facility(draft: Draft) -> Facility:
    variables = FacilityVariables.model_validate(draft.variables.value)
    fields = {name: getattr(variables, name) for name in FacilityVariables.model_fields if name != "facility"}
    identity = {name: getattr(variables.facility, name) for name in type(variables.facility).model_fields}
    fields["services"] = {**BUILTIN_SERVICES, **variables.services}
    hosts = tuple(_host(entry) for entry in draft.hosts or ())
    return Facility(directory=draft.directory, hosts=hosts, **identity, **fields)


def _host(entry: HostEntry) -> Host:
    variables = HostVariables.model_validate(entry.variables.value)
    return Host(
        name=entry.name,
        address=variables.ansible_host,
        zone=variables.zone,
        debian=variables.debian,
        groups=entry.groups,
        name_zh=variables.name_zh,
        mac=variables.mac,
        port=variables.ansible_port or 22,
    )


__all__ = ["Facility", "FacilityError", "Host", "Mistake", "find_facility", "load_facility"]
