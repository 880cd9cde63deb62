"""A scratch PostgreSQL for restore tests: private directory, own socket, no network, gone afterwards.

It has its own socket directory and no address.  Before restoring anything, compare ``system_identifier`` with
that of the server the backup came from.
"""

import contextlib
import fcntl
import logging
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from backup.errors import BackupError
from backup.postgres import postgresql
from backup.postgres.postgresql import Database
from backup.process import GRACE_SECONDS, end, ending_with_us

logger = logging.getLogger(__name__)

PREFIX = "xinglin-verify-"
PORT = 54399
START_SECONDS = 120.0
INIT_SECONDS = 300.0
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_wal_size": "4GB",
    "log_min_messages": "warning",
}
NO_MORE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Scratch:
    """A running scratch server; ``source`` connects to its maintenance database."""

    directory: Path
    major: int
    source: Database
    system_identifier: str

    def database(self, name: str) -> Database:
        """Return the source of one of its databases."""
        return replace(self.source, database=name)


@contextlib.contextmanager
def directory(parent: Path) -> Iterator[Path]:
    """Yield a directory that is removed afterwards; first remove those that dead verifications left.

    Others may pass through it (the server's OS user must), so what is put in it must be private itself.
    """
    sweep(parent)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    path.chmod(0o711)
    lock = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def passage(path: Path) -> Path:
    """Make ``path`` a directory that others may pass through, whatever the service's umask; return it."""
    path.mkdir(parents=True)
    path.chmod(0o711)
    return path


def sweep(parent: Path) -> int:
    """Remove scratch directories whose verification is dead (nobody holds their lock); return how many."""
    removed = 0
    for path in parent.glob(f"{PREFIX}*"):
        try:
            lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
        except OSError:
            continue
        try:
            # A new one is not locked yet for an instant: only what is a minute old can be a dead one's.
            if os.fstat(lock).st_uid != os.geteuid() or time.time() - os.fstat(lock).st_mtime < 60:
                continue
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
            logger.warning("removed %s, left by a verification that died", path)
            removed += 1
        except BlockingIOError:
            continue
        finally:
            os.close(lock)
    return removed


def require_space(path: Path, needed_bytes: float) -> None:
    """Raise BackupError ``scratch_space`` when the file system of ``path`` has less free than needed."""
    free = shutil.disk_usage(path).free
    if free < needed_bytes:
        raise BackupError(
            "scratch_space", str(path), f"{needed_bytes / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free"
        )


@contextlib.contextmanager
def server(parent: Path, major: int, settings: Mapping[str, str] = NO_MORE) -> Iterator[Scratch]:
    """Start a scratch server below ``parent`` (which the server's OS user can reach) and end it afterwards.

    ``settings`` come on top of ``SETTINGS``.

    Raises BackupError ``scratch_failed``.
    """
    home = parent / "postgresql"
    home.mkdir(mode=0o700)
    if os.geteuid() == 0:
        account = pwd.getpwnam(postgresql.OS_USER)
        os.chown(home, account.pw_uid, account.pw_gid)
    data = home / "data"
    _initialise(data, major)
    options = SETTINGS | dict(settings) | {"unix_socket_directories": str(home)}
    source = Database("postgres", home, PORT)
    process = launch(data, home, major, options)
    try:
        identifier = _await(process, source, home / "log")
        yield Scratch(home, major, source, identifier)
    finally:
        process.send_signal(signal.SIGQUIT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
        end(process)


def launch(data: Path, home: Path, major: int, options: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start a server on ``data`` as its OS user, ending with us; its words go to ``home``/log."""
    command = [str(postgresql.binary("postgres", major)), "-D", str(data)]
    command += [argument for key, value in options.items() for argument in ("-c", f"{key}={value}")]
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            # SIGQUIT is PostgreSQL's immediate shutdown: it takes its children with it.
            ending_with_us(command, user=postgresql.OS_USER, death_signal="QUIT"),
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )


def _initialise(data: Path, major: int) -> None:
    command = [str(postgresql.binary("initdb", major)), "-D", str(data), "-U", postgresql.OS_USER, "-A", "peer"]
    command += ["--data-checksums", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
    try:
        done = subprocess.run(
            ending_with_us(command, user=postgresql.OS_USER, death_signal="TERM"),
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            timeout=INIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BackupError("scratch_failed", str(data), f"initdb: limit {INIT_SECONDS:.0f} s") from error
    if done.returncode:
        raise BackupError("scratch_failed", str(data), " ".join(done.stderr.split())[-300:])


def _await(process: "subprocess.Popen[bytes]", source: Database, log: Path) -> str:
    question = "SELECT system_identifier, inet_server_addr() IS NULL FROM pg_control_system();"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            identifier, is_local = postgresql.query(source, question).strip().split("|")
        except BackupError as error:
            if error.cause.code != "database_unreachable":
                raise
            time.sleep(0.1)
            continue
        if is_local != "t":
            raise BackupError("scratch_failed", str(source.socket_directory), "it answers over the network")
        return identifier
    words = " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-300:]
    raise BackupError("scratch_failed", str(source.socket_directory), words or "the server did not start")
