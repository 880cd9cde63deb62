"""This host's backup configuration as typed values; ``backup.policy_file`` reads them."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from backup.errors import BackupError
from backup.restic import Repository

PERIOD = timedelta(days=1)
"""A schedule is a time of day, so a policy runs once a day."""


@dataclass(frozen=True)
class PostgresqlSource:
    """One database of a PostgreSQL server on this host, reached over its Unix socket as the server's OS user."""

    database: str
    socket_directory: Path = Path("/var/run/postgresql")
    port: int = 5432

    @property
    def place(self) -> str:
        """What people read."""
        return f"database {self.database} ({self.socket_directory}, port {self.port})"


@dataclass(frozen=True)
class PathsSource:
    """Directories and files; ``excludes`` are restic patterns."""

    paths: tuple[Path, ...]
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """What is backed up together, when, and what the facility promised about it."""

    name: str
    schedule: str
    sources: tuple[PostgresqlSource | PathsSource, ...]
    rpo_hours: float
    rto_hours: float
    keep_within: timedelta

    @property
    def databases(self) -> tuple[PostgresqlSource, ...]:
        """The database sources."""
        return tuple(source for source in self.sources if isinstance(source, PostgresqlSource))

    @property
    def paths(self) -> tuple[Path, ...]:
        """All paths of all path sources."""
        return tuple(path for source in self.sources if isinstance(source, PathsSource) for path in source.paths)

    @property
    def excludes(self) -> tuple[str, ...]:
        """All exclude patterns of all path sources."""
        return tuple(item for source in self.sources if isinstance(source, PathsSource) for item in source.excludes)


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
    def mutex(self) -> Path:
        """The lock file of everything that writes to this host's repositories."""
        return self.state_directory / "repository.lock"

    def repository(self, name: str) -> Repository:
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
        )

    def policy(self, name: str) -> Policy:
        """Return one policy by name; raises BackupError ``configuration_wrong``."""
        for policy in self.policies:
            if policy.name == name:
                return policy
        known = ", ".join(policy.name for policy in self.policies)
        raise BackupError("configuration_wrong", f"policy {name}", f"this host has no such policy; it has: {known}")
