"""Real services for the tests: a private PostgreSQL cluster, two append-only rest-servers with TLS."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup import postgresql, repository
from backup.policy import PostgresqlSource
from backup.process import ending_with_us
from tests.backup import tools
from tests.backup.clinic import CLINIC
from tests.backup.clinic_host import ClinicHost, both
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


@pytest.fixture(scope="session")
def made_repositories(programs: tools.Tools, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both servers' directories with new repositories, for tests to copy: each init costs seconds of scrypt."""
    root = tmp_path_factory.mktemp("made")
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{programs.restic.parent}:{path}"
    try:
        with _servers(root, programs) as host:
            local, offsite = both(host.with_files())
            repository.init(local)
            repository.init(offsite, local)
    finally:
        os.environ["PATH"] = path
    return root


@pytest.fixture
def host(programs: tools.Tools, restic_on_path: None, made_repositories: Path, tmp_path: Path) -> Iterator[ClinicHost]:
    """A host with two append-only servers that hold its two new, empty repositories."""
    with new_host(tmp_path, programs, made_repositories) as made:
        yield made


@contextlib.contextmanager
def new_host(root: Path, programs: tools.Tools, made_repositories: Path) -> Iterator[ClinicHost]:
    """Make a host below ``root`` from copies of the repositories."""
    for name in ("local", "offsite"):
        shutil.copytree(made_repositories / name / "data", root / name / "data")
    with _servers(root, programs) as made:
        yield made


@contextlib.contextmanager
def _servers(root: Path, programs: tools.Tools) -> Iterator[ClinicHost]:
    authority = Authority(root)
    with (
        rest_server("local", root / "local", programs, authority) as local,
        rest_server("offsite", root / "offsite", programs, authority) as offsite,
    ):
        yield ClinicHost(root, local, offsite)


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
