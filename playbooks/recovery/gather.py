"""What a kit holds, gathered from the facility's directory: nothing of it needs a host to answer."""

import secrets
from datetime import datetime
from pathlib import Path

from backup.kit.contents import Kit, KitRepository, Machine
from inventory.loader import Facility, Host
from inventory.private import open_vault
from inventory.view import View
from playbooks.filter_plugins.repository import repository_http_password
from playbooks.first_contact import KNOWN_HOSTS
from playbooks.login import Target
from playbooks.recovery.remote import RecoveryError
from playbooks.runner import target

REPOSITORY_PORT = 8000
CA = "ca.crt"


def backed_up(facility: Facility) -> list[Host]:
    """Return the hosts that a backup policy names."""
    return [host for host in facility.hosts if facility.policies(host.name)]


def targets(facility: Facility, hosts: list[Host]) -> list[Target]:
    """Return how the operator logs in at each host."""
    return [target(facility, host) for host in hosts]


def server(facility: Facility) -> Host:
    """Return the host whose repositories a rebuild reads: the vault, or the appliance where there is no vault."""
    return (facility.group("offsite") or (facility.appliance,))[0]


def new_number(facility: Facility, now: datetime) -> str:
    """Return a number for a new kit, such as ``qinghe-20260101-1a2b``."""
    return f"{facility.id}-{now:%Y%m%d}-{secrets.token_hex(2)}"


def kit(facility: Facility, number: str, now: datetime) -> Kit:
    """Return the facility's kit; raises RecoveryError when it was never provisioned or backs nothing up."""
    at = server(facility)
    hosts = [host for host in backed_up(facility) if host.name != at.name or at == facility.appliance]
    if facility.appliance not in hosts:
        raise RecoveryError(
            f"{facility.appliance.name}: no backup policy names the appliance, so nothing could bring it back. "
            "Next: name it in a policy of group_vars/all/facility.yml, then: xinglin provision"
        )
    authority = facility.directory / CA
    if not authority.is_file():
        raise RecoveryError(f"{authority} is missing: the facility is not set up yet. Next: xinglin provision")
    secret = vault_secret(facility.directory, "vault_backup_http_secret")
    return Kit(
        number=number,
        facility=facility.id,
        name_zh=facility.name_zh,
        name_en=facility.name_en,
        made_at=now,
        operator=facility.operator.user,
        appliance=_machine(facility, facility.appliance),
        debian=facility.appliance.debian,
        server=_machine(facility, at),
        server_port=REPOSITORY_PORT,
        ca=authority.read_text(encoding="utf-8"),
        repositories=tuple(
            KitRepository(
                host=host.name,
                url=f"rest:https://{at.address}:{REPOSITORY_PORT}/{host.name}/",
                user=host.name,
                http_password=repository_http_password(secret, at.name, host.name),
            )
            for host in hosts
        ),
    )


def _machine(facility: Facility, host: Host) -> Machine:
    how = target(facility, host)
    file = facility.directory / KNOWN_HOSTS
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    own = tuple(line for line in lines if line.split(" ")[0] == how.known_name)
    return Machine(host.name, str(host.address), host.port, own)


def vault_secret(directory: Path, name: str) -> str:
    """Return a secret of the facility's encrypted file; raises RecoveryError when it does not open or lacks it."""
    vault, mistakes = open_vault(directory)
    secret = View.of(vault).get(name).text if vault else None
    if not secret:
        raise RecoveryError(f"{mistakes[0] if mistakes else f'{directory}: {name} is missing'}")
    return secret
