"""Rebuild the appliance from the recovery kit and the vault alone, on record with its steps and times."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from backup.kit.contents import Kit
from backup.night.backup_set import BackupSet
from backup.night.recorder import now_utc
from backup.status import Outcome, Purpose, RestoreRecord, new_id
from inventory.loader import Facility, load_facility
from playbooks.login import Target
from playbooks.record import RunStatus
from playbooks.recovery import appliance, arrival, gather, ledger, place
from playbooks.recovery.arrival import Ask
from playbooks.recovery.fetched import RESTORED, SealedSet, Vault
from playbooks.recovery.ledger import KitKey
from playbooks.recovery.make import add, keep, operator
from playbooks.recovery.remote import RecoveryError, as_root, attempt, problem
from playbooks.recovery.timeline import Timeline
from playbooks.runner import Outcome as Provisioned
from playbooks.runner import provision

REFILL = "sudo -n systemctl start --no-block xinglin-keeper.service"


@dataclass(frozen=True)
class Rebuilt:
    """A finished rebuild: its record, and what a person must still look at."""

    facility: Facility
    record: RestoreRecord
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """What the rebuild starts from: the kit, its code, the directory for the facility, first logins."""

    kit: Kit
    code: str
    directory: Path
    credentials: Path | None
    ask: Ask


def rebuild(source: Source, say: Callable[[str], None]) -> Rebuilt:
    """Bring the facility's directory and its appliance back; raises RecoveryError, and what ``provision`` raises.

    Broken off, the same command goes on where it can.
    """
    started, kit = now_utc(), source.kit
    if not kit.has_vault:
        copies = " Next: follow the kit's page of further copies." if kit.copies else ""
        raise RecoveryError(
            f"kit {kit.number}: this facility has no vault, so its repositories went with the appliance.{copies}"
        )
    line = Timeline(kit.appliance.name, say)
    earlier = arrival.begun(kit, source.directory)
    with tempfile.TemporaryDirectory(prefix="xinglin-rebuild-") as scratch:
        with line.step("first_contact", f"first contact with {kit.appliance.name} ({kit.appliance.address})"):
            if earlier:
                machine = gather.targets(earlier, [earlier.appliance])[0]
            else:
                machine = arrival.first(kit, Path(scratch), source.credentials, source.ask, line)
            place.require_bare(machine)
        chosen, found, size = _fetch(Vault(machine, kit, source.code), line)
        with line.step("facility", f"bring the facility's directory back to {source.directory}"):
            if not earlier:
                place.facility(machine, source.directory)
            facility = load_facility(source.directory)
            machine = machine if earlier else arrival.pin(facility, machine)
    with line.step("place", "put the certificate authority, the console's store and its audit log in place"):
        place.authority_and_console(machine, found)
    with line.step("provision", "set the facility up with its playbooks"):
        _require_appliance(facility, provision(source.directory, ask=source.ask), line)
    with line.step("history", "bring the appliance's own backup records back"):
        place.history(machine, found, chosen)
    with line.step("recovery_key", "let the kit open the new local repositories, too"):
        _add_keys(facility, source, line)
    with line.step("refill", "start refilling the local repositories from the vault"):
        _refill(machine, line)
    for path in place.left_out(found):
        line.note(f"{path} is in the set as well and was not put back: xinglin backup restore")
    record = RestoreRecord(
        restore_id=new_id("rebuild", started),
        host=kit.appliance.name,
        policy=found.policy,
        repository="offsite",
        what="appliance",
        target=kit.appliance.name,
        in_place=True,
        purpose=Purpose.REBUILD,
        operator=operator(),
        started_at=started,
        finished_at=now_utc(),
        outcome=Outcome.WARNING if line.notes else Outcome.SUCCESS,
        steps=tuple(line.steps),
        snapshot_id=chosen.snapshot_id,
        as_of=found.as_of,
        bytes_restored=size,
    )
    _seal(machine, source, record, line)
    return Rebuilt(facility, record, tuple(line.notes))


def _fetch(vault: Vault, line: Timeline) -> tuple[SealedSet, BackupSet, int]:
    """Restore the newest set that is what was backed up; a bad one is told and the next older one taken."""
    with line.step("reach", "make restic ready and reach the vault"):
        vault.prepare()
        sets = vault.sets()
    with line.step("fetch", "restore the newest set from the vault and compare it with its manifest"):
        for chosen in sets:
            try:
                found = vault.restore(chosen)
            except RecoveryError as error:
                line.note(f"set of {chosen.time:%Y-%m-%d %H:%M} UTC not usable: {error}")
                continue
            break
        else:
            raise RecoveryError(f"none of {len(sets)} sets at the vault can be used")
        size = int(as_root(vault.machine, f"du -sb {RESTORED}").split()[0])
    line.say(
        f"set of {chosen.time:%Y-%m-%d %H:%M} UTC: whole, {size} bytes, data as of {found.as_of:%Y-%m-%d %H:%M} UTC"
    )
    return chosen, found, size


def _require_appliance(facility: Facility, outcome: Provisioned, line: Timeline) -> None:
    """Raise RecoveryError when the appliance itself is not set up; other hosts' trouble is told and stops nothing."""
    statements = [str(statement) for statement in outcome.statements]
    counts = outcome.record.hosts().get(facility.appliance.name)
    if counts is None or counts.failed or counts.unreachable or outcome.record.status == RunStatus.CANCELED:
        raise RecoveryError("\n".join(statements) or f"provision ended {outcome.status}")
    for statement in statements:
        line.note(statement)


def _add_keys(facility: Facility, source: Source, line: Timeline) -> None:
    added = []
    for host, results in add(facility, source.kit.number, source.code).items():
        for result in results:
            why = problem(result)
            if why is None:
                added.append(KitKey(host, result["repository"], result["key_id"]))
            else:
                line.note(f"{host}, {result['place']}: the kit does not open it: {why}")
    entries = ledger.read(facility.directory)
    updated = tuple(
        replace(entry, keys=tuple(dict.fromkeys((*entry.keys, *added)))) if entry.number == source.kit.number else entry
        for entry in entries
    )
    for note in keep(facility, updated):
        line.note(note)


def _refill(machine: Target, line: Timeline) -> None:
    done = attempt(machine, REFILL)
    if done.returncode != 0:
        line.note("the local repositories are empty until each host's next backup: the keeper could not be started")


def _seal(machine: Target, source: Source, record: RestoreRecord, line: Timeline) -> None:
    """Leave the record, say so in the audit log, delete what was fetched."""
    place.record(machine, record)
    detail = {"snapshot": record.snapshot_id or "", "as_of": f"{record.as_of:%Y-%m-%dT%H:%M:%SZ}"}
    why = appliance.audit(machine, "appliance_rebuilt", record.operator, source.kit.number, detail)
    if why:
        line.note(why)
    place.clean_up(machine)
