"""The drill: does what lies in the envelope open every repository?"""

from dataclasses import dataclass
from datetime import UTC, datetime
from shlex import quote

from inventory.loader import Facility
from playbooks.recovery import appliance, gather, ledger
from playbooks.recovery.make import keep, operator
from playbooks.recovery.remote import keys, problem


@dataclass(frozen=True)
class Opened:
    """One repository of the drill: ``why`` is None when the code opened it."""

    host: str
    place: str
    why: str | None


@dataclass(frozen=True)
class DrillResult:
    """What the code opened; ``number`` is that of the kit, None when the facility's list does not know it."""

    repositories: tuple[Opened, ...]
    number: str | None
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every repository opened."""
        return bool(self.repositories) and all(one.why is None for one in self.repositories)


def drill(facility: Facility, code: str) -> DrillResult:
    """Open every repository of every host with ``code`` alone, on record at each host and in the list of kits.

    Raises ValueError for a damaged list of kits.
    """
    hosts, who, entries = gather.backed_up(facility), operator(), ledger.read(facility.directory)
    answers = keys(gather.targets(facility, hosts), f"open --drill --operator {quote(who)}", code)
    rows = [(host, result) for host, results in answers.items() for result in results]
    found = tuple(Opened(host, result["place"], problem(result)) for host, result in rows)
    opened = {result["key_id"] for _, result in rows if result["key_id"]}
    entries, kit = ledger.drilled(entries, opened, datetime.now(UTC), who, len(rows))
    notes = keep(facility, entries) if kit else ()
    at = gather.targets(facility, [facility.appliance])[0]
    why = appliance.audit(at, "drill", who, kit.number if kit else "", {"opened": len(opened), "of": len(rows)})
    return DrillResult(found, kit.number if kit else None, (*notes, why) if why else notes)
