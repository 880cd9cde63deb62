"""Make a recovery kit: a new code, a second key in every repository, the paper, the list of kits."""

import getpass
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backup.kit import code, document, fonts
from backup.status import format_time
from inventory.loader import Facility
from playbooks.recovery import appliance, further, gather, ledger
from playbooks.recovery.ledger import Entry, KitKey
from playbooks.recovery.remote import UNREACHABLE, RecoveryError, keys, problem

Say = Callable[[str], None]
Answers = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Made:
    """A kit that was printed to ``file``; ``notes`` are what could not be told to the appliance."""

    number: str
    file: Path
    entry: Entry
    notes: tuple[str, ...]


def operator() -> str:
    """Return who types: the person behind sudo, if any."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def make(facility: Facility, output: Path | None, shares: bool, say: Say) -> Made:
    """Make a kit and print it to ``output``, else to its number in the working directory.

    A kit is whole or it is not: when one repository does not take the code, nothing is printed and RecoveryError
    names it; the keys that were added open with a code that nobody has, and are listed to be taken away.
    Raises BackupError ``font_missing``, FileExistsError.
    """
    font = fonts.require()
    now, hosts = datetime.now(UTC), gather.backed_up(facility)
    number = gather.new_number(facility, now)
    file = output or Path(f"{number}.pdf")
    if file.exists():
        raise FileExistsError(f"{file} is there already")
    secret = code.write(code.new_secret())
    kit = replace(gather.kit(facility, number, now), copies=further.copies(facility, secret))
    say(f"add the recovery code to the repositories of {', '.join(host.name for host in hosts)}")
    answers = add(facility, number, secret)
    added, failed = _sorted(answers)
    parts = _split(secret) if shares else ()
    printed = b"" if failed else document.write(kit, secret, parts, font, file)
    digest, sealed = (ledger.digest(printed), kit.copies is not None) if printed else ("", False)
    entry = Entry(number, format_time(now), operator(), shares, digest, added, sealed=sealed)
    notes = keep(facility, (*ledger.read(facility.directory), entry))
    if failed:
        lines = "\n".join(f"  {host}: {why}" for host, why in failed)
        raise RecoveryError(
            f"{facility.id}: no kit was printed, because not every repository took the code:\n{lines}\n"
            f"Next: heal these, make the kit again, then: xinglin backup recovery-kit --revoke {number}"
        )
    at = gather.targets(facility, [facility.appliance])[0]
    notes += _told(
        appliance.audit(at, "kit_made", entry.made_by, number, {"pdf_sha256": entry.sha256, "keys": len(added)})
    )
    return Made(number, file, entry, notes)


def add(facility: Facility, number: str, secret: str) -> Answers:
    """Make the code a key of every repository: each host does its own, for one that is off the servers do.

    Returns host → what happened to each repository.
    """
    answers = keys(gather.targets(facility, gather.backed_up(facility)), f"add --kit {number}", secret)
    for host, results in answers.items():
        if results[0]["cause"] and results[0]["cause"]["code"] == UNREACHABLE:
            servers = dict.fromkeys((facility.appliance, gather.server(facility)))
            others = [server for server in servers if server == facility.appliance or server.name != host]
            said = keys(gather.targets(facility, others), f"add-here --kit {number} {host}", secret)
            answers[host] = [result for found in said.values() for result in found]
    return answers


def keep(facility: Facility, entries: tuple[Entry, ...]) -> tuple[str, ...]:
    """Write the list of kits here and to the appliance's copy; return what could not be done there."""
    content = ledger.write(facility.directory, entries)
    return _told(appliance.copy_ledger(gather.targets(facility, [facility.appliance])[0], content))


def _told(why: str) -> tuple[str, ...]:
    return (why,) if why else ()


def _split(secret: str) -> tuple[str, ...]:
    from backup.kit import shares  # noqa: PLC0415 - only who asks for shares needs the library

    return shares.split(secret)


def _sorted(answers: Answers) -> tuple[tuple[KitKey, ...], Sequence[tuple[str, str]]]:
    added, failed = [], []
    for host, results in answers.items():
        for result in results:
            why = problem(result)
            if why is None:
                added.append(KitKey(host, result["repository"], result["key_id"]))
            else:
                failed.append((f"{host}, {result['place']}", why))
    return tuple(added), failed
