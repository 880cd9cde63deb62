"""Sealed backup sets, put together from a repository's snapshots and from what the hosts reported about them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.browse.protocol import Listed
from console.store.models import BackupRunRow, VerificationRow


@dataclass(frozen=True)
class SealedSet:
    """What one run stored: the snapshot that seals it, and those of its parts (dumps), by name."""

    sealing: Listed
    parts: tuple[Listed, ...]

    @property
    def id(self) -> str:
        """Return the id of the sealing snapshot, by which the set is known."""
        return self.sealing.id

    @property
    def at(self) -> datetime:
        """Return when it was sealed."""
        return self.sealing.time

    @property
    def policy(self) -> str:
        """Return the policy's name."""
        return self.sealing.tag("policy") or ""

    @property
    def bytes(self) -> int:
        """Return the size of all that a restore gives back."""
        return sum(item.bytes for item in (self.sealing, *self.parts))


def sealed_sets(listed: Iterable[Listed]) -> list[SealedSet]:
    """Return the sealed sets among snapshots, newest first.  What no snapshot seals is no backup."""
    by_run: dict[str, list[Listed]] = {}
    for item in listed:
        if run := item.tag("run"):
            by_run.setdefault(run, []).append(item)
    found = []
    for members in by_run.values():
        sealing = next((item for item in reversed(members) if item.tag("kind") == "set"), None)
        if sealing:
            # A healed set may hold a part twice, the second a copy of the first.
            parts = {item.paths: item for item in members if item.tag("kind") != "set"}
            found.append(SealedSet(sealing, tuple(sorted(parts.values(), key=lambda item: item.paths))))
    return sorted(found, key=lambda item: item.at, reverse=True)


@dataclass(frozen=True)
class Reported:
    """What a host reported about one of its sets; ``proof_id`` is its newest restore test with ``verdict``.

    ``proof_from`` is the repository of that test: the local one where it was tested from both.
    """

    is_offsite: bool
    proof_id: str | None = None
    verdict: str | None = None
    proof_from: str | None = None


class Reports:
    """All that the store knows about the sets of one host: two queries."""

    def __init__(self, session: Session, host: str) -> None:
        run, proof = BackupRunRow, VerificationRow
        self._offsite = {
            row.run_id: (row.policy, row.started_at, row.offsite_snapshot_id)
            for row in session.execute(
                select(run.run_id, run.policy, run.started_at, run.offsite_snapshot_id).where(
                    run.host == host, run.offsite_snapshot_id.is_not(None)
                )
            )
        }
        proofs = select(proof.snapshot_id, proof.verification_id, proof.verdict, proof.repository).where(
            proof.host == host, proof.snapshot_id.is_not(None)
        )
        self._proofs = {
            row.snapshot_id: (row.verification_id, row.verdict, row.repository)
            for row in session.execute(proofs.order_by(proof.started_at))
        }

    def of(self, item: SealedSet) -> Reported:
        """Return the report about one set.

        A run that arrived offsite found nothing missing there, so every earlier set of its policy is there, too.
        """
        own = self._offsite.get(item.sealing.tag("run") or "")
        later = any(policy == item.policy and at > item.at for policy, at, _ in self._offsite.values())
        known = self._proofs.get(item.id) or (self._proofs.get(own[2]) if own else None) or ()
        return Reported(own is not None or later, *known)
