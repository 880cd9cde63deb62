"""The way into the bare appliance: by a key of this rebuild's own, until the facility's is back."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from backup.kit.contents import Kit
from backup.kit.fingerprint import fingerprint
from inventory.loader import Facility, FacilityError, load_facility
from playbooks import first_contact
from playbooks.login import Credential, FirstContactError, Target, key_login_works, setup_script
from playbooks.recovery.remote import RecoveryError, as_root
from playbooks.recovery.timeline import Timeline
from playbooks.runner import target

Ask = Callable[[Target], Credential | None]


def begun(kit: Kit, directory: Path) -> Facility | None:
    """Return the facility that an earlier, broken-off rebuild has brought back, None for a fresh start.

    Raises RecoveryError when ``directory`` holds anything else.
    """
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return None
    try:
        facility = load_facility(directory)
    except FacilityError as error:
        raise RecoveryError(f"{directory} is not empty, and no whole facility: {error.mistakes[0]}") from None
    if facility.id != kit.facility:
        raise RecoveryError(f"{directory} holds the facility {facility.id}. Next: name a new directory.")
    return facility


def first(kit: Kit, scratch: Path, credentials: Path | None, ask: Ask, line: Timeline) -> Target:
    """Take the bare machine over with a new key in ``scratch``; tell its SSH host key.  Raises RecoveryError."""
    key = scratch / "rebuild_ed25519"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "xinglin-rebuild", "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    at = kit.appliance
    machine = Target(at.name, at.address, at.port, kit.operator, key, scratch / first_contact.KNOWN_HOSTS)
    try:
        given = first_contact.read_credentials(credentials) if credentials else {}
        credential = given.get(at.name) or ask(machine)
        if credential is None:
            raise RecoveryError(
                f"{at.name} ({at.address}): its first login is needed. Next: give it with --credential-file FILE "
                f"(0600), as `{at.name}: {{user: NAME, password: TEXT}}`."
            )
        known, _ = first_contact.take_over(machine, credential)
    except FirstContactError as error:
        raise RecoveryError(str(error)) from None
    first_contact.record(machine.known_hosts, [known])
    _tell_host_key(kit, known, line)
    return machine


def _tell_host_key(kit: Kit, known: str, line: Timeline) -> None:
    if known in kit.appliance.known_hosts:
        line.say(f"{kit.appliance.name}: it shows the same SSH host key as in the kit")
        return
    old = ", ".join(fingerprint(item) for item in kit.appliance.known_hosts) or "none"
    line.note(
        f"{kit.appliance.name}: new SSH host key {fingerprint(known)} (in the kit: {old}), as a newly installed "
        "machine has; it is pinned from now on. Compare it on the machine itself: ssh-keygen -lf "
        "/etc/ssh/ssh_host_ed25519_key.pub"
    )


def pin(facility: Facility, machine: Target) -> Target:
    """Let the facility's own operator in, and pin the machine's new host key; return the login from now on.

    Raises RecoveryError.
    """
    own = target(facility, facility.appliance)
    known = machine.known_hosts.read_text(encoding="utf-8").splitlines()
    file = own.known_hosts
    others = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    kept = [line for line in others if line.split(" ")[0] != own.known_name]
    file.write_text("".join(f"{line}\n" for line in [*kept, *known]), encoding="utf-8")
    as_root(machine, setup_script(own))
    why = key_login_works(own, own.known_hosts)
    if why:
        raise RecoveryError(f"{own.name} ({own.address}): the facility's operator key is refused: {why}.")
    return own
