"""This host's backup configuration as typed values; ``backup.config.policy_file`` reads them."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from backup.errors import BackupError
from backup.repositories.restic import UNLIMITED, Limits, Repository
from backup.sources.work import Source

PERIOD = timedelta(days=1)
"""``schedule`` is a time of day: that of the run which is proved by a restore."""


@dataclass(frozen=True)
class Retention:
    """How long sets are kept: all ``within``, and of older ones the last of each hour, day, … within the others.

    Durations only, never counts: whoever can add snapshots could push good ones out of a count.
    """

    within: timedelta
    hourly: timedelta = timedelta()
    daily: timedelta = timedelta()
    weekly: timedelta = timedelta()
    monthly: timedelta = timedelta()
    yearly: timedelta = timedelta()

    @property
    def longest(self) -> timedelta:
        """The age beyond which nothing is kept."""
        return max(self.within, self.hourly, self.daily, self.weekly, self.monthly, self.yearly)


@dataclass(frozen=True)
class Hooks:
    """Programs (never shell lines) that run before and after a policy, as root, each at most ``timeout_seconds``."""

    before: tuple[tuple[str, ...], ...] = ()
    after: tuple[tuple[str, ...], ...] = ()
    timeout_seconds: float = 600.0


@dataclass(frozen=True)
class Policy:
    """What is backed up together, when, and what the facility promised about it.

    It runs at ``schedule`` and at each of ``also_at``; of policies that are due together the lowest ``order`` first.
    """

    name: str
    schedule: str
    sources: tuple[Source, ...]
    rpo_hours: float
    rto_hours: float
    retention: Retention
    also_at: tuple[str, ...] = ()
    order: int = 100
    hooks: Hooks = Hooks()
    limits: Limits = UNLIMITED


@dataclass(frozen=True)
class Target:
    """A repository on a rest-server, as configured."""

    url: str
    user: str
    password_file: Path


@dataclass(frozen=True)
class Config:
    """The whole file."""

    host: str
    policies: tuple[Policy, ...]
    local: Target
    offsite: Target | None
    repository_password_file: Path
    ca: Path
    state_directory: Path
    cache_directory: Path
    timezone: str

    @property
    def runs(self) -> Path:
        """Where the status files of runs are."""
        return self.state_directory / "runs"

    @property
    def verifications(self) -> Path:
        """Where the status files of verifications are."""
        return self.state_directory / "verifications"

    @property
    def staging(self) -> Path:
        """Where sources put files for the sealing snapshot.

        Always the same directory, as restic groups snapshots by their paths.
        """
        return self.state_directory / "staging"

    @property
    def restores(self) -> Path:
        """Where the status files of restores are."""
        return self.state_directory / "restores"

    @property
    def progress(self) -> Path:
        """The file that tells how far a run has come."""
        return self.state_directory / "progress.json"

    @property
    def mutex(self) -> Path:
        """The lock file of everything that writes to this host's repositories."""
        return self.state_directory / "repository.lock"

    def repository(self, name: str, limits: Limits = UNLIMITED) -> Repository:
        """Return the repository ``local`` or ``offsite``; raises BackupError ``configuration_wrong``."""
        target = self.local if name == "local" else self.offsite
        if target is None:
            raise BackupError("configuration_wrong", self.host, f"no {name} repository is configured")
        for path in (target.password_file, self.repository_password_file, self.ca):
            if not path.is_file():
                raise BackupError("configuration_wrong", str(path), "the file does not exist")
        return Repository(
            name=name,
            url=target.url,
            user=target.user,
            http_password=target.password_file.read_text(encoding="utf-8").strip(),
            password_file=self.repository_password_file,
            ca=self.ca,
            cache_directory=self.cache_directory,
            limits=limits,
        )

    def policy(self, name: str) -> Policy:
        """Return one policy by name; raises BackupError ``configuration_wrong``."""
        for policy in self.policies:
            if policy.name == name:
                return policy
        known = ", ".join(policy.name for policy in self.policies)
        raise BackupError("configuration_wrong", f"policy {name}", f"this host has no such policy; it has: {known}")
