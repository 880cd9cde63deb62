"""What the rules look at: rows of the store and the configuration, read at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backup.rules.proof import Standing, judge
from backup.status import Verdict
from console.config import ConsoleConfig, Policy
from console.forecast import Proof
from console.snapshot import Snapshot
from console.store.backups import BackupRunRow, RestoreRow, VerificationRow, WalRow
from console.store.hosts import AssessmentResult, HostState
from console.store.jobs import JobSlot, WorkerPulse
from console.store.repositories import CopyRow, RefusedDeletion, RepositoryRow, SpaceRow
from console.store.runs import ProvisionRun

NOT_APPEND_ONLY = "not_append_only"
SERVERS = {"local": "appliance", "offsite": "offsite"}
"""Kind of repository → group of the servers that hold it."""


@dataclass(frozen=True)
class Probe:
    """The last clear answer of a repository when the host asked it to delete something; it must have refused."""

    at: datetime
    repository: str
    refused: bool
    cause: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class RestoreTests:
    """The restore tests of one policy from one repository.  ``first_backup_at``: only known while none has passed."""

    newest: VerificationRow | None = None
    passed: VerificationRow | None = None
    first_backup_at: datetime | None = None

    def standing(self, repository: str, now: datetime) -> Standing:
        """Tell whether the newest test proves the backups in ``repository`` (``local`` or ``offsite``), or why not."""
        if self.newest is None:
            return Standing.NEVER
        return judge(Verdict(self.newest.verdict), self.newest.started_at, repository, now)


@dataclass(frozen=True)
class PolicyView:
    """One policy on one host: the newest runs of each kind, and the restore tests from each repository."""

    host: str
    policy: Policy
    newest_run: BackupRunRow | None = None
    last_success: BackupRunRow | None = None  # newest run whose local backup is good: success or warning
    last_offsite: BackupRunRow | None = None  # newest run whose backup is at the vault, too
    local: RestoreTests = field(default_factory=RestoreTests)
    offsite: RestoreTests = field(default_factory=RestoreTests)
    proofs: tuple[Proof, ...] = ()  # the restores from the local repository that passed, newest first
    probes: tuple[Probe, ...] = ()  # the newest answer of each repository

    @property
    def tested(self) -> Mapping[str, RestoreTests]:
        """Return the restore tests of each repository that has a backup; the local one is always there."""
        there = self.last_offsite is not None or self.offsite.newest is not None
        return {"local": self.local, **({"offsite": self.offsite} if there else {})}

    def is_proved(self, now: datetime) -> bool:
        """Return whether the backups are proved in every repository that has them, each by a test of its own."""
        return all(tested.standing(kind, now) is Standing.PROVED for kind, tested in self.tested.items())


@dataclass(frozen=True)
class StoreView:
    """Everything the rules need."""

    config: ConsoleConfig
    hosts: tuple[HostState, ...] = ()
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    policies: tuple[PolicyView, ...] = ()
    repositories: tuple[RepositoryRow, ...] = ()
    copies: tuple[CopyRow, ...] = ()
    spaces: tuple[SpaceRow, ...] = ()
    refusals: tuple[RefusedDeletion, ...] = ()  # the newest ones, newest first
    wals: tuple[WalRow, ...] = ()
    key_drill: RestoreRow | None = None  # newest drill in which the recovery key opened the repositories
    key_failure: RestoreRow | None = None  # drill in which it did not open one, and no later one did
    newest_run: ProvisionRun | None = None  # the newest that was no check
    assessments: tuple[AssessmentResult, ...] = ()
    pulse: WorkerPulse | None = None
    failed_jobs: tuple[JobSlot, ...] = ()  # jobs whose newest execution failed

    def repository(self, host: str, kind: str) -> RepositoryRow | None:
        """Return how the repository of a host at ``local`` or ``offsite`` stands."""
        return next((row for row in self.repositories if (row.host, row.kind) == (host, kind)), None)

    def wal(self, host: str) -> WalRow | None:
        """Return how the WAL of a host's databases stands; None where no policy keeps any."""
        return next((row for row in self.wals if row.host == host), None)

    def servers(self, kind: str) -> tuple[str, ...]:
        """Return the facility's servers of that kind of repository."""
        return tuple(host.name for host in self.config.hosts if SERVERS[kind] in host.groups)
