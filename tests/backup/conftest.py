"""Real services for the tests: a private PostgreSQL cluster, two append-only rest-servers with TLS."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup import postgresql
from backup.policy import PostgresqlSource
from backup.process import ending_with_us
from tests.backup import tools
from tests.backup.clinic import CLINIC
from tests.backup.clinic_host import ClinicHost
from tests.backup.servers import Authority, rest_server


@pytest.fixture(scope="session")
def programs() -> tools.Tools:
    try:
        return tools.get_tools()
    except tools.ToolsUnavailableError as error:
        pytest.skip(f"no restic 0.18 and rest-server here: {error}")


@pytest.fixture
def restic_on_path(programs: tools.Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{programs.restic.parent}:{os.environ['PATH']}")


@pytest.fixture
def host(programs: tools.Tools, restic_on_path: None, tmp_path: Path) -> Iterator[ClinicHost]:
    """A host with two empty append-only servers, and nothing configured."""
    authority = Authority(tmp_path)
    with (
        rest_server("local", tmp_path / "appliance1", programs, authority) as local,
        rest_server("offsite", tmp_path / "vault1", programs, authority) as offsite,
    ):
        yield ClinicHost(tmp_path, local, offsite)


@pytest.fixture(scope="session")
def cluster() -> Iterator[PostgresqlSource]:
    """A private cluster with the small clinic in the database ``his``."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to run PostgreSQL as the user postgres")
    if not postgresql.INSTALLED.is_dir():
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    directory = Path(tempfile.mkdtemp(prefix="xinglin-test-pg-", dir="/var/tmp"))
    shutil.chown(directory, "postgres", "postgres")
    data = directory / "data"
    settings = f"-c listen_addresses='' -c unix_socket_directories={directory} -c fsync=off -p 54329"
    try:
        _as_postgres("initdb", "-D", data, "-A", "peer", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        _as_postgres("pg_ctl", "-D", data, "-w", "-l", directory / "log", "-o", settings, "start")
        source = PostgresqlSource("his", directory, 54329)
        postgresql.query(
            PostgresqlSource("postgres", directory, 54329), "CREATE ROLE his LOGIN; CREATE DATABASE his OWNER his;"
        )
        postgresql.query(source, CLINIC)
        yield source
    finally:
        if (data / "postmaster.pid").exists():
            _as_postgres("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(directory)


def _as_postgres(name: str, *arguments: str | Path) -> None:
    command = [str(postgresql.binary(name)), *map(str, arguments)]
    subprocess.run(
        ending_with_us(command, user="postgres", death_signal="clear"),
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd="/",
        timeout=120,
    )
