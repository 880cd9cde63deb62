"""Where a further copy lies tonight: which disk is plugged in, and what restic needs to reach it."""

import errno
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backup import process
from backup.errors import BackupError
from backup.keeper.config import KeeperConfig, readable
from backup.keeper.copy_config import S3, Copy, Disks, Sftp
from backup.repositories import classify
from backup.repositories.restic import Repository
from backup.status import Cause, CopyDisk, CopyState

SEEN_WITHIN = timedelta(days=14)
FOLDER = "xinglin"
"""The directory on a disk; in it is one repository a host."""
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
NEVER = datetime.min.replace(tzinfo=UTC)


def look(disks: Disks, known: Sequence[CopyDisk], now: datetime) -> list[CopyDisk]:
    """Return all disks of a copy; those that are plugged in are seen ``now``.

    Looking mounts them: where nothing is plugged in, systemd's automount answers with an error.
    """
    earlier = {item.label: item for item in known}
    found = [earlier.get(label, CopyDisk(label)) for label in disks.places]
    return [replace(item, seen_at=now) if _is_there(disks.places[item.label]) else item for item in found]


def _is_there(place: Path) -> bool:
    try:
        list(place.iterdir())
    except OSError:
        return False
    return place.is_mount()


def merged(states: Iterable[CopyState]) -> list[CopyDisk]:
    """Return what is known of each disk, the newest of what the hosts' states say."""
    found: dict[str, CopyDisk] = {}
    for item in (disk for state in states for disk in state.disks):
        other = found.get(item.label, item)
        found[item.label] = CopyDisk(
            item.label,
            max(filter(None, (item.seen_at, other.seen_at)), default=None),
            max(filter(None, (item.complete_at, other.complete_at)), default=None),
        )
    return list(found.values())


def choose(copy: Copy, disks: Sequence[CopyDisk], now: datetime) -> CopyDisk:
    """Return the disk to copy to: of those plugged in the one that has waited longest.

    Raises BackupError ``copy_disk_missing`` when there is none.
    """
    here = [item for item in disks if item.seen_at == now]
    if not here:
        raise BackupError("copy_disk_missing", copy.name, _tell(disks))
    return min(here, key=lambda item: item.complete_at or NEVER)


def overdue(copy: Copy, disks: Sequence[CopyDisk], now: datetime) -> Cause | None:
    """Return what to tell people about disks that have not been plugged in for long."""
    late = [item for item in disks if item.seen_at is None or now - item.seen_at > SEEN_WITHIN]
    return Cause("copy_disk_overdue", copy.name, _tell(late)) if late else None


def _tell(disks: Sequence[CopyDisk]) -> str:
    return ", ".join(f"{item.label}: {item.seen_at:%Y-%m-%d}" if item.seen_at else f"{item.label}: –" for item in disks)


def require_writable(place: Path) -> None:
    """Raise BackupError ``copy_disk_refused`` or ``copy_full`` unless a file can be written on the disk."""
    try:
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            usage = shutil.disk_usage(place)
            raise BackupError("copy_full", str(place), f"{usage.free} of {usage.total} bytes are free") from error
        raise BackupError("copy_disk_refused", str(place), error.strerror or str(error)) from error


def repository_of(config: KeeperConfig, copy: Copy, host: str, label: str | None = None) -> Repository:
    """Return the repository of ``host`` in a copy (on the disk ``label``); raises BackupError ``configuration_wrong``.

    Nothing secret is on a command line: the SSH key is a file, the secret of S3 is in restic's environment.
    """
    plain = replace(config.repository(host), name=copy.name)
    match copy.where:
        case Disks(places):
            if label is None:
                raise BackupError("copy_disk_missing", copy.name, ", ".join(places))
            return replace(plain, url=str(places[label] / FOLDER / host))
        case Sftp() as at:
            url = f"sftp://{at.user}@{at.host}:{at.port}/{at.path}/{host}"
            return replace(plain, url=url, options=("-o", f"sftp.args={shlex.join(_ssh_words(at))}"))
        case S3() as at:
            secret = readable(at.secret_file).read_text(encoding="utf-8").strip()
            credentials = {"AWS_ACCESS_KEY_ID": at.key_id, "AWS_SECRET_ACCESS_KEY": secret}
            authorities = SYSTEM_CERTIFICATES if SYSTEM_CERTIFICATES.is_file() else plain.ca
            return replace(plain, url=f"s3:{at.url}/{at.bucket}/{host}", variables=credentials, ca=authorities)


def require_reachable(at: Sftp, place: str) -> None:
    """Raise BackupError unless the server is the known one and lets us in; restic does not always tell why not.

    Codes: copy_key_changed, repository_refused, repository_unreachable, timed_out.
    """
    words: list[str] = []
    command = ["ssh", *_ssh_words(at), "-p", str(at.port), "-l", at.user, at.host, "-s", "sftp"]
    variables = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {"LANG": "C.UTF-8"}
    returncode = process.run(command, variables, on_line=lambda _, line: words.append(line), timeout_seconds=90)
    if returncode:
        text = " ".join(" ".join(words[-3:]).split())[:300] or f"ssh ended with {returncode}"
        raise BackupError(classify.permanent_code("\n".join(words)) or "repository_unreachable", place, text)


def _ssh_words(at: Sftp) -> list[str]:
    """Return ssh's options: our key and the pinned host key, and nothing of anybody's configuration."""
    options = {
        "IdentityFile": readable(at.key_file),
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": at.known_hosts_file,
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": 30,
        "ServerAliveInterval": 30,
        "ServerAliveCountMax": 10,
    }
    return ["-F", "/dev/null", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
