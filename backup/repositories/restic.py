"""restic ≥ 0.18: pure builders make the command and the environment, ``run`` runs it.

Nothing secret is on a command line: the repository password is a file that restic reads, the HTTP passwords
are in restic's own environment, which only root can read.  Progress comes as JSON, one line a second.
"""

import json
import os
import subprocess
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backup import process
from backup.errors import BackupError
from backup.repositories import classify

MINIMUM_VERSION = (0, 18, 0)
QUICK_SECONDS = 600.0
LONG_SECONDS = 12 * 3600.0
LOCK_PATIENCE = "5m"
KEPT_COMPLAINTS = 50


@dataclass(frozen=True)
class Limits:
    """What restic may take: bandwidth from and to the repositories (None: all), processor cores (None: all)."""

    upload_kib_per_second: int | None = None
    download_kib_per_second: int | None = None
    cpus: int | None = None

    @property
    def flags(self) -> list[str]:
        """restic's flags for the bandwidth."""
        flags = {"--limit-upload": self.upload_kib_per_second, "--limit-download": self.download_kib_per_second}
        return [f"{flag}={number}" for flag, number in flags.items() if number]


UNLIMITED = Limits()


@dataclass(frozen=True)
class Repository:
    """One restic repository: where it is and what opens it.

    ``name`` is ``local``, ``offsite`` or that of a further copy; ``url`` is ``rest:https://…/`` without credentials,
    a directory, or whatever restic knows.  ``options`` are restic's flags for it, ``variables`` the credentials of its
    backend.
    """

    name: str
    url: str
    user: str
    http_password: str = field(repr=False)
    password_file: Path
    ca: Path
    cache_directory: Path
    limits: Limits = UNLIMITED
    options: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def place(self) -> str:
        """What people read: which repository, and where."""
        return f"{self.name} {self.url.removeprefix('rest:')}"


@dataclass
class Said:
    """What restic said: JSON messages other than progress, plain lines, and its complaints on stderr."""

    returncode: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    complaints: list[classify.Complaint] = field(default_factory=list)


def environment(repository: Repository, source: Repository | None = None) -> dict[str, str]:
    """Return restic's whole environment: an allow-list, so that no stray RESTIC_* redirects a job.

    restic has no variables of its own for the credentials of ``copy``'s and ``init``'s source, so those are in
    the source's URL, in the environment as well.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    own = {
        "LANG": "C.UTF-8",
        "RESTIC_REPOSITORY": repository.url,
        "RESTIC_REST_USERNAME": repository.user,
        "RESTIC_REST_PASSWORD": repository.http_password,
        "RESTIC_PASSWORD_FILE": str(repository.password_file),
        "RESTIC_CACERT": str(repository.ca),
        "RESTIC_CACHE_DIR": str(repository.cache_directory),
        "RESTIC_PROGRESS_FPS": "1",
    }
    if repository.limits.cpus:
        own["GOMAXPROCS"] = str(repository.limits.cpus)
    if source:
        user, password = urllib.parse.quote(source.user, ""), urllib.parse.quote(source.http_password, "")
        own["RESTIC_FROM_REPOSITORY"] = source.url.replace("://", f"://{user}:{password}@", 1)
        own["RESTIC_FROM_PASSWORD_FILE"] = str(source.password_file)
    return {**kept, **own, **repository.variables}


def backup_command(
    host: str, tags: Sequence[str], paths: Sequence[Path], excludes: Sequence[str], stdin_filename: str | None
) -> list[str]:
    """Return ``backup`` of paths, or of stdin when ``stdin_filename`` is given."""
    command = ["backup", "--host", host, "--retry-lock", LOCK_PATIENCE]
    command += [argument for tag in tags for argument in ("--tag", tag)]
    if stdin_filename:
        return [*command, "--stdin", "--stdin-filename", stdin_filename]
    command += [f"--exclude={pattern}" for pattern in excludes]
    return [*command, "--", *(str(path) for path in paths)]


def check_command(subset: str | None) -> list[str]:
    """Return ``check``; ``subset`` such as ``3/7`` also reads that part of the data."""
    return ["check", "--retry-lock", LOCK_PATIENCE, *([f"--read-data-subset={subset}"] if subset else [])]


def copy_command(snapshot_ids: Sequence[str]) -> list[str]:
    """Return ``copy`` of these snapshots from the source repository."""
    return ["copy", "--retry-lock", LOCK_PATIENCE, *snapshot_ids]


def run(
    command: Sequence[str],
    repository: Repository,
    *,
    timeout_seconds: float = QUICK_SECONDS,
    source: Repository | None = None,
    on_status: Callable[[dict[str, Any]], None] | None = None,
    stdin: int | None = None,
    stdout: int | None = None,
    keep_open: Sequence[int] = (),
    producer: process.Producer | None = None,
) -> Said:
    """Run ``restic --json command`` on ``repository`` and return what it said, whatever its exit code.

    ``source`` is the repository that ``copy`` and ``init`` read.  ``on_status`` gets each message of progress and,
    with ``-vv``, each one about a file.  A failure that waiting does not cure ends restic at once
    instead of after its 15 minutes of retries.
    Raises BackupError for that, and what ``process.run`` raises.
    """
    said = Said()

    def take(origin: process.Source, line: str) -> None:
        if origin is process.Source.STDERR:
            complaint = classify.read_complaint(line)
            if complaint:
                said.complaints[:] = [*said.complaints[1 - KEPT_COMPLAINTS :], complaint]
                _stop_hopeless(complaint.text, repository, source)
        else:
            _take_output(line, said, on_status)

    said.returncode = process.run(
        ["restic", "--json", *repository.options, *repository.limits.flags, *command],
        environment(repository, source),
        on_line=take,
        timeout_seconds=timeout_seconds,
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=stdout,
        keep_open=keep_open,
        producer=producer,
    )
    return said


def _take_output(line: str, said: Said, on_status: Callable[[dict[str, Any]], None] | None) -> None:
    try:
        message = json.loads(line)
    except ValueError:
        said.lines.append(line)
        return
    if isinstance(message, dict) and message.get("message_type") in {"status", "verbose_status"}:
        if on_status:
            on_status(message)
    elif isinstance(message, dict | list):
        said.messages.extend(message if isinstance(message, list) else [message])
    else:
        said.lines.append(line)


def _stop_hopeless(text: str, repository: Repository, source: Repository | None) -> None:
    if not classify.RETRY.search(text):
        return
    server = (source.url.partition("://")[2].partition("/")[0] or source.url) if source else ""
    at = source if source and server in text else repository
    code = classify.permanent_code(text) or ("repository_unreachable" if classify.has_given_up(text) else None)
    if code:
        raise BackupError(code, at.place, " ".join(text.split())[:300])


def demand(said: Said, repository: Repository, allowed: tuple[int, ...] = (0,)) -> Said:
    """Return ``said`` when restic ended with one of the ``allowed`` exit codes, else raise BackupError."""
    if said.returncode not in allowed:
        cause = classify.classify(said.returncode, said.complaints, repository.place)
        raise BackupError(cause.code, cause.place, cause.detail)
    return said
