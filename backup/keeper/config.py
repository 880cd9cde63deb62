"""Reads /etc/xinglin/keeper.json; every mistake at once, each with its key and what is allowed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from backup.config.policy import Retention, Target
from backup.config.policy_file import parse_retention
from backup.config.reader import Reader, a_name, a_path, a_url, a_zone, read_file
from backup.errors import BackupError
from backup.keeper.copy_config import Copy, read_copies
from backup.repositories.restic import Repository

DEFAULT_PATH = Path("/etc/xinglin/keeper.json")
KINDS = ("local", "offsite")


@dataclass(frozen=True)
class Kept:
    """One host's repository here: how long the sets of its policies stay, and the same host's other repository.

    ``other`` is None where nothing comes back from elsewhere, as on the vault.
    """

    host: str
    policies: Mapping[str, Retention]
    other: Target | None


@dataclass(frozen=True)
class KeeperConfig:
    """The whole file.  ``kind`` says what the repositories here are to their hosts: ``local`` or ``offsite``."""

    server: str
    kind: str
    directory: Path
    hosts: tuple[Kept, ...]
    password_file: Path
    ca: Path
    state_directory: Path
    cache_directory: Path
    ballast_bytes: int
    timezone: str
    copies: tuple[Copy, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The facility's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def repositories(self) -> Path:
        """Where the states of the repositories are."""
        return self.state_directory / "repositories"

    @property
    def copies_directory(self) -> Path:
        """Where the states of the further copies are."""
        return self.state_directory / "copies"

    @property
    def memories(self) -> Path:
        """Where the keeper remembers, for itself alone."""
        return self.state_directory / "keeper"

    @property
    def mutex(self) -> Path:
        """The lock file of everything that changes the repositories here."""
        return self.memories / "keeper.lock"

    @property
    def copies_mutex(self) -> Path:
        """The lock file of the further copies: a slow line must not keep the repositories' own round waiting."""
        return self.memories / "copies.lock"

    @property
    def space(self) -> Path:
        """Where the space is; a link leads into a directory that the watch may write to."""
        return (self.state_directory / "space.json").resolve()

    def path(self, host: str) -> Path:
        """Return the directory of a host's repository."""
        return self.directory / host

    def host(self, name: str) -> Kept:
        """Return one host; raises BackupError ``configuration_wrong``."""
        for kept in self.hosts:
            if kept.host == name:
                return kept
        known = ", ".join(kept.host for kept in self.hosts)
        raise BackupError("configuration_wrong", f"host {name}", f"its repository is not kept here; here are: {known}")

    def repository(self, host: str) -> Repository:
        """Return the repository of ``host``, opened by its files; raises BackupError ``configuration_wrong``."""
        return Repository(
            name=self.kind,
            url=str(self.path(host)),
            user="",
            http_password="",
            password_file=readable(self.password_file),
            ca=readable(self.ca),
            cache_directory=self.cache_directory,
        )

    def other(self, kept: Kept) -> Repository | None:
        """Return the other repository of a host, None without one; raises BackupError ``configuration_wrong``."""
        if kept.other is None:
            return None
        return Repository(
            name=KINDS[1 - KINDS.index(self.kind)],
            url=kept.other.url,
            user=kept.other.user,
            http_password=readable(kept.other.password_file).read_text(encoding="utf-8").strip(),
            password_file=readable(self.password_file),
            ca=readable(self.ca),
            cache_directory=self.cache_directory,
        )


def readable(path: Path) -> Path:
    """Return the path of a file, in the credentials that systemd gave us if it is among them.

    Raises BackupError ``configuration_wrong`` when it is nowhere.
    """
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials and (Path(credentials) / path.name).is_file():
        return Path(credentials) / path.name
    if not path.is_file():
        raise BackupError("configuration_wrong", str(path), "the file does not exist")
    return path


def load(path: Path = DEFAULT_PATH) -> KeeperConfig:
    """Read the configuration; raises BackupError ``configuration_wrong`` whose detail lists every mistake."""
    reader = _KeeperReader()
    return read_file(path, reader, reader.config)


class _KeeperReader(Reader):
    """Reads the whole file; a method that noted a mistake may return rubbish."""

    def config(self, data: object) -> KeeperConfig | None:
        required = {"server", "kind", "directory", "hosts", "password_file", "ca", "state_directory"}
        found = self.mapping(data, "keeper", required | {"cache_directory", "ballast_bytes", "timezone"}, {"copies"})
        if found is None:
            return None
        hosts = self.value(found, "hosts", "keeper", dict, "an object with the hosts' names as keys") or {}
        path = "an absolute path"
        return KeeperConfig(
            server=self.value(found, "server", "keeper", a_name, "a host name"),
            kind=self.value(found, "kind", "keeper", _a_kind, '"local" or "offsite"'),
            directory=self.value(found, "directory", "keeper", a_path, path),
            hosts=tuple(kept for name in sorted(hosts) if (kept := self.kept(name, hosts[name]))),
            password_file=self.value(found, "password_file", "keeper", a_path, path),
            ca=self.value(found, "ca", "keeper", a_path, path),
            state_directory=self.value(found, "state_directory", "keeper", a_path, path),
            cache_directory=self.value(found, "cache_directory", "keeper", a_path, path),
            ballast_bytes=self.value(found, "ballast_bytes", "keeper", _a_size, "a number of bytes, 0 for none"),
            timezone=self.value(found, "timezone", "keeper", a_zone, "an IANA time zone such as Asia/Shanghai"),
            copies=read_copies(self, found.get("copies", [])),
        )

    def kept(self, name: str, data: object) -> Kept | None:
        where = f"keeper.hosts.{name}"
        found = self.mapping(data, where, {"policies", "other"}, set())
        if found is None:
            return None
        policies = self.value(found, "policies", where, dict, "an object with the policies' names as keys") or {}
        durations = "durations, such as keep_within: 90d"
        return Kept(
            host=self.value({"name": name}, "name", where, a_name, "a host name"),
            policies={
                policy: self.value(policies, policy, f"{where}.policies", parse_retention, durations)
                for policy in policies
            },
            other=None if found["other"] is None else self.other(found["other"], f"{where}.other"),
        )

    def other(self, data: object, where: str) -> Target | None:
        found = self.mapping(data, where, {"url", "user", "password_file"}, set())
        if found is None:
            return None
        return Target(
            url=self.value(found, "url", where, a_url, "rest:https://HOST:PORT/NAME/ without credentials"),
            user=self.value(found, "user", where, a_name, "a name"),
            password_file=self.value(found, "password_file", where, a_path, "an absolute path"),
        )


def _a_kind(value: object) -> str:
    if value not in KINDS:
        raise ValueError(value)
    return str(value)


def _a_size(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(value)
    return value
