"""What the rules look at: rows of the store and the configuration, read at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.config import ConsoleConfig, Policy
from console.snapshot import Snapshot
from console.store.backups import BackupRunRow, VerificationRow
from console.store.hosts import AssessmentResult, HostState
from console.store.jobs import JobSlot, WorkerPulse
from console.store.runs import ProvisionRun


@dataclass(frozen=True)
class PolicyView:
    """One policy on one host: the newest runs and restore tests of each kind."""

    host: str
    policy: Policy
    newest_run: BackupRunRow | None = None
    last_success: BackupRunRow | None = None  # newest run whose local backup is good: success or warning
    newest_verification: VerificationRow | None = None
    last_passed: VerificationRow | None = None


@dataclass(frozen=True)
class StoreView:
    """Everything the rules need."""

    config: ConsoleConfig
    hosts: tuple[HostState, ...] = ()
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    policies: tuple[PolicyView, ...] = ()
    newest_run: ProvisionRun | None = None  # the newest that was no check
    assessments: tuple[AssessmentResult, ...] = ()
    pulse: WorkerPulse | None = None
    failed_jobs: tuple[JobSlot, ...] = ()  # jobs whose newest execution failed
