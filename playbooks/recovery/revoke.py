"""Take an old kit's keys away, at the servers of the repositories: hosts themselves can never delete a key."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from shlex import quote

from backup.status import format_time
from inventory.loader import Facility, Host
from playbooks.recovery import appliance, gather, ledger
from playbooks.recovery.ledger import Entry, KitKey
from playbooks.recovery.make import keep, operator
from playbooks.recovery.remote import XINGLIN, RecoveryError, attempt


@dataclass(frozen=True)
class Revoked:
    """A key and what became of it: ``why`` is None when it is gone."""

    key: KitKey
    server: str
    why: str | None


def find(entries: Iterable[Entry], wanted: str) -> Entry:
    """Return the kit of this number, or the one that a key id (or its beginning) belongs to; raises RecoveryError."""
    for entry in entries:
        if entry.number == wanted or any(len(wanted) >= 8 and key.key_id.startswith(wanted) for key in entry.keys):
            return entry
    raise RecoveryError(f"{wanted}: no kit of this facility. Next: read its numbers in {ledger.FILE}.")


def revoke(facility: Facility, wanted: str) -> tuple[Entry, tuple[Revoked, ...], tuple[str, ...]]:
    """Take every key of a kit away; return the kit, what became of each key, and what the appliance was not told.

    The kit counts as revoked when all are gone; else the same command again takes the rest.  Raises RecoveryError.
    """
    entries = ledger.read(facility.directory)
    entry = find(entries, wanted)
    results = tuple(_remove(facility, key) for key in entry.keys)
    notes: tuple[str, ...] = ()
    if all(result.why is None for result in results):
        gone = replace(entry, revoked_at=format_time(datetime.now(UTC)))
        notes = keep(facility, tuple(gone if item == entry else item for item in entries))
    at = gather.targets(facility, [facility.appliance])[0]
    detail = {"removed": sum(result.why is None for result in results), "of": len(results)}
    why = appliance.audit(at, "kit_revoked", operator(), entry.number, detail)
    return entry, results, (*notes, why) if why else notes


def _remove(facility: Facility, key: KitKey) -> Revoked:
    server = _server(facility, key)
    target = gather.targets(facility, [server])[0]
    try:
        done = attempt(target, f"{XINGLIN} backup key remove {quote(key.host)} {quote(key.key_id)}")
        json.loads(done.stdout)
    except RecoveryError as error:
        return Revoked(key, server.name, str(error))
    except ValueError:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit {done.returncode}"]
        return Revoked(key, server.name, " ".join(said))
    return Revoked(key, server.name, None)


def _server(facility: Facility, key: KitKey) -> Host:
    """Return the host that holds the repository; the vault's own backups go to the appliance only."""
    return facility.appliance if key.repository == "local" else gather.server(facility)
