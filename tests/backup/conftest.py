"""Real services for the tests: a private PostgreSQL cluster, two append-only rest-servers with TLS."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backup.config.policy import Config
from backup.postgres import postgresql, scratch
from backup.postgres.postgresql import Database
from backup.repositories import repository
from backup.verification import verify
from tests.backup import tools
from tests.backup.clinic import CLINIC
from tests.backup.clinic_host import REPOSITORY_PASSWORD, ClinicHost, both, run
from tests.backup.quick_key import make_quick
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
def units_umask() -> Iterator[None]:
    """The umask of the units: the database's user must get at what it needs all the same."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def made_repositories(programs: tools.Tools, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both servers' directories with new repositories, for tests to copy, and cheap to open."""
    root = tmp_path_factory.mktemp("made")
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{programs.restic.parent}:{path}"
    try:
        with _servers(root, programs) as host:
            local, offsite = both(host.with_files())
            repository.init(local)
            repository.init(offsite, local)
            for server in (host.local_server, host.offsite_server):
                make_quick(server.data / "his1", REPOSITORY_PASSWORD)
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
def cluster() -> Iterator[Database]:
    """A private cluster with the small clinic in the database ``his``."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to run PostgreSQL as the user postgres")
    if not postgresql.INSTALLED.is_dir():
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with scratch_place() as place, scratch.server(place, int(postgresql.binary("postgres").parts[-3])) as server:
        postgresql.query(server.source, "CREATE ROLE his LOGIN; CREATE DATABASE his OWNER his;")
        postgresql.query(server.database("his"), CLINIC)
        yield server.database("his")


@pytest.fixture(scope="session")
def backed_up_host(
    programs: tools.Tools,
    made_repositories: Path,
    cluster: Database,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Config]:
    """One good set for the whole session; tests add worse ones, and each starts from the first."""
    with (
        pytest.MonkeyPatch.context() as patch,
        new_host(tmp_path_factory.mktemp("v"), programs, made_repositories) as host,
    ):
        patch.setenv("PATH", f"{programs.restic.parent}:{os.environ['PATH']}")
        config = replace(host.with_database(cluster), offsite=None)
        assert run(config).cause is None
        yield config


@pytest.fixture
def backed_up(backed_up_host: Config, restic_on_path: None) -> Config:
    shutil.rmtree(backed_up_host.state_directory / "staging", ignore_errors=True)
    return backed_up_host


@contextlib.contextmanager
def scratch_place() -> Iterator[Path]:
    """Yield a directory that the user postgres can pass through, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="xinglin-test-", dir=verify.SCRATCH_PARENT) as name:
        Path(name).chmod(0o711)
        yield Path(name)
