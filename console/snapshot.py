"""The newest measurements of one host, as the pages and the rules read them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Filesystem:
    """A mounted file system.  ``available_bytes`` is what an ordinary user may still write."""

    mountpoint: str
    fstype: str
    size_bytes: float
    available_bytes: float
    read_only: bool

    @property
    def used_ratio(self) -> float:
        """Return the used part, 0 to 1."""
        return 1 - self.available_bytes / self.size_bytes if self.size_bytes > 0 else 0.0


@dataclass(frozen=True)
class Certificate:
    """A certificate that the host uses; ``not_after`` in Unix seconds."""

    path: str
    subject: str
    not_after: float


@dataclass(frozen=True)
class Progress:
    """The backup that the host makes now; ``ratio`` 0 to 1 of this step, None when its size is not known before."""

    policy: str
    step: str
    ratio: float | None
    done_bytes: float
    updated_at: float  # Unix seconds


@dataclass(frozen=True)
class Snapshot:
    """One scrape, digested.  A value that the agent did not report is None: never invent a zero.

    Rates need two scrapes and are None after the first one and after a reboot.
    """

    cpu_used_ratio: float | None = None
    cpu_count: int | None = None
    load1: float | None = None
    load5: float | None = None
    load15: float | None = None
    memory_total_bytes: float | None = None
    memory_available_bytes: float | None = None
    swap_total_bytes: float | None = None
    swap_free_bytes: float | None = None
    network_receive_bytes_per_second: float | None = None
    network_transmit_bytes_per_second: float | None = None
    disk_read_bytes_per_second: float | None = None
    disk_written_bytes_per_second: float | None = None
    clock_offset_seconds: float | None = None
    clock_synchronised: bool | None = None
    boot_time: float | None = None
    system: str | None = None  # for example "Debian GNU/Linux 12 (bookworm)"
    kernel: str | None = None
    filesystems: tuple[Filesystem, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    failed_units: tuple[str, ...] = ()
    failed_collectors: tuple[str, ...] = ()
    progress: Progress | None = None

    @property
    def memory_used_ratio(self) -> float | None:
        """Return the used part of the memory, 0 to 1."""
        if not self.memory_total_bytes or self.memory_available_bytes is None:
            return None
        return 1 - self.memory_available_bytes / self.memory_total_bytes

    @property
    def swap_used_ratio(self) -> float | None:
        """Return the used part of the swap space, 0 to 1; None without swap."""
        if not self.swap_total_bytes or self.swap_free_bytes is None:
            return None
        return 1 - self.swap_free_bytes / self.swap_total_bytes

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``HostLatest.snapshot`` keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Snapshot":
        """Read what ``to_json`` wrote."""
        values = dict(document)
        values["filesystems"] = tuple(Filesystem(**item) for item in values.get("filesystems", ()))
        values["certificates"] = tuple(Certificate(**item) for item in values.get("certificates", ()))
        values["failed_units"] = tuple(values.get("failed_units", ()))
        values["failed_collectors"] = tuple(values.get("failed_collectors", ()))
        values["progress"] = Progress(**values["progress"]) if values.get("progress") else None
        return cls(**values)
