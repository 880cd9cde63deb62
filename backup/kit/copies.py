"""The facility's further copies as a kit names them: where each is, and how plain restic reaches a host's repository.

Where a copy lies is no secret and stands in clear; what opens it is sealed with the recovery code.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar

from backup.keeper.copy_target import FOLDER

MOUNTED = PurePosixPath("/mnt")
"""Where the printed commands mount a disk."""
PASSWORD = "RESTIC_PASSWORD"  # noqa: S105 - a variable's name
SSH = 22


@dataclass(frozen=True)
class DiskCopy:
    """Disks that take turns, each known by the label of its file system."""

    kind: ClassVar[str] = "disk"
    name: str
    labels: tuple[str, ...]

    def url(self, host: str) -> str:
        """Return restic's name of the repository of ``host`` on the mounted disk."""
        return str(MOUNTED / FOLDER / host)


@dataclass(frozen=True)
class SftpCopy:
    """A directory at a partner's SSH server; ``host_key`` is what the server is known by."""

    kind: ClassVar[str] = "sftp"
    name: str
    host: str
    port: int
    user: str
    path: str
    host_key: str

    def url(self, host: str) -> str:
        """Return restic's name of the repository of ``host``; the path in it starts at the server's root."""
        return f"sftp://{self.user}@{self.host}:{self.port}/{self.path.rstrip('/')}/{host}"

    @property
    def known_hosts(self) -> str:
        """The server's line of OpenSSH's known_hosts."""
        return f"{self.host if self.port == SSH else f'[{self.host}]:{self.port}'} {self.host_key}"


@dataclass(frozen=True)
class S3Copy:
    """A bucket; the secret of its access key is sealed as the variable ``secret``."""

    kind: ClassVar[str] = "s3"
    name: str
    provider: str
    bucket: str
    key_id: str

    def url(self, host: str) -> str:
        """Return restic's name of the repository of ``host``."""
        return f"s3:{self.provider.rstrip('/')}/{self.bucket.rstrip('/')}/{host}"

    @property
    def secret(self) -> str:
        """The shell variable of the access key's secret in the sealed text."""
        return f"SECRET_OF_{self.name.upper().replace('-', '_')}"


Place = DiskCopy | SftpCopy | S3Copy
KINDS: Mapping[str, type[DiskCopy] | type[SftpCopy] | type[S3Copy]] = {
    place.kind: place for place in (DiskCopy, SftpCopy, S3Copy)
}


@dataclass(frozen=True)
class Copies:
    """All further copies of a facility: each holds a repository of each of ``hosts``.

    ``sealed`` is what opens them, as ``seal.seal`` returns it: ``RESTIC_PASSWORD`` and each bucket's ``secret``.
    """

    hosts: tuple[str, ...]
    places: tuple[Place, ...]
    sealed: str


def to_data(copies: Copies) -> dict[str, Any]:
    """Return the copies as JSON has them."""
    places = [{"kind": place.kind, **asdict(place)} for place in copies.places]
    return {"hosts": copies.hosts, "places": places, "sealed": copies.sealed}


def from_data(data: dict[str, Any]) -> Copies:
    """Return the copies that ``to_data`` wrote; raises KeyError, TypeError."""
    return Copies(tuple(data["hosts"]), tuple(_place(dict(item)) for item in data["places"]), str(data["sealed"]))


def _place(data: dict[str, Any]) -> Place:
    made: Callable[..., Place] = KINDS[data.pop("kind")]
    return made(**{name: tuple(value) if isinstance(value, list) else value for name, value in data.items()})
