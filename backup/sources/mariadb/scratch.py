"""A scratch MariaDB for the restore test: its own data directory and socket, no network, gone afterwards."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backup.errors import BackupError
from backup.process import GRACE_SECONDS, end, ending_with_us
from backup.sources.mariadb import client
from backup.sources.mariadb.client import Server

OS_USER = "mysql"
PROGRAMS = ("/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin")
START_SECONDS = 120.0
INSTALL_SECONDS = 300.0


def require_version(wanted: str, place: str) -> None:
    """Raise BackupError ``tool_missing`` unless this host's server is of the same series, such as 10.11."""
    done = subprocess.run(
        [_program("mariadbd"), "--no-defaults", "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    series = ".".join(wanted.split(".")[:2])
    if f"Ver {series}." not in done.stdout:
        found = done.stdout.partition("Ver ")[2].split(" ")[0] or "none"
        raise BackupError("tool_missing", f"MariaDB {series} for {place}", f"this host's server is {found}")


@contextlib.contextmanager
def server(parent: Path, settings: dict[str, Any]) -> Iterator[Server]:
    """Start a scratch server below ``parent`` and end it afterwards; raises BackupError ``scratch_failed``.

    ``settings`` are those of the original that a restore depends on (``catalogue.SERVER``).
    """
    home = parent / "mariadb"
    home.mkdir(mode=0o700)
    if os.geteuid() == 0:
        account = pwd.getpwnam(OS_USER)
        os.chown(home, account.pw_uid, account.pw_gid)
    fixed = ["--no-defaults", f"--datadir={home / 'data'}", f"--innodb-page-size={settings['innodb_page_size']}"]
    # The server's own default, /tmp, need not be writable to it here.
    fixed += [f"--tmpdir={home}", f"--lower-case-table-names={settings['lower_case_table_names']}"]
    _install(home, fixed)
    command = [_program("mariadbd"), *fixed, f"--socket={home / 'socket'}", f"--pid-file={home / 'pid'}"]
    command += ["--skip-networking", "--skip-log-bin", "--event-scheduler=OFF", "--max-allowed-packet=1G"]
    command += ["--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite", "--innodb-use-native-aio=0"]
    command += [f"--character-set-server={settings['character_set']}", f"--collation-server={settings['collation']}"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            ending_with_us(command, user=OS_USER, death_signal="KILL"),
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    try:
        made = Server(home / "socket")
        _await(process, made, home)
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
        end(process)


def _program(name: str) -> str:
    """Return where a program is; services and cron have no /usr/sbin on their path."""
    found = shutil.which(name) or shutil.which(name, path=":".join(PROGRAMS))
    if not found:
        raise BackupError("tool_missing", name, "the package mariadb-server is not installed")
    return found


def _install(home: Path, fixed: list[str]) -> None:
    command = [_program("mariadb-install-db"), *fixed, "--auth-root-authentication-method=socket"]
    command += ["--auth-root-socket-user=root", "--skip-test-db", "--skip-name-resolve"]
    try:
        done = subprocess.run(
            ending_with_us(command, user=OS_USER, death_signal="TERM"),
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BackupError("scratch_failed", str(home), f"mariadb-install-db: limit {INSTALL_SECONDS:.0f} s") from error
    if done.returncode:
        raise BackupError("scratch_failed", str(home), " ".join((done.stderr or done.stdout).split())[-300:])


def _await(process: "subprocess.Popen[bytes]", made: Server, home: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            ((directory, networking),) = client.query(made, "SELECT @@datadir, @@skip_networking;")
        except BackupError as error:
            if error.cause.code != "database_unreachable":
                raise
            time.sleep(0.1)
            continue
        if Path(directory) != home / "data" or networking != "1":
            raise BackupError("scratch_failed", str(home), f"this is another server: {directory}")
        return
    words = " ".join((home / "log").read_text(encoding="utf-8", errors="replace").split())[-300:]
    raise BackupError("scratch_failed", str(home), words or "the server did not start")
