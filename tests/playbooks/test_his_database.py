"""The HIS role's SQL against a real PostgreSQL: idempotent, deterministic, and its verifier lets the owner in."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from playbooks.filter_plugins.postgresql import postgresql_verifier
from tests.playbooks.rendered import ROLES

SQL = ROLES / "his/files"
PASSWORD = "database-of-the-test"
TABLES = ("department", "staff", "drug", "patient", "visit", "prescription", "prescription_item")
RULES = "local all postgres peer\nlocal all all scram-sha-256\n"


@dataclass(frozen=True)
class Cluster:
    """A private cluster on a Unix socket, with data checksums, and the role's own access rules."""

    directory: Path
    binaries: Path

    def server(self, *arguments: object) -> None:
        """Run one of the server's programs as its user."""
        words = [str(word) for word in ("runuser", "-u", "postgres", "--", self.binaries / str(arguments[0]))]
        words += [str(word) for word in arguments[1:]]
        subprocess.run(words, check=True, capture_output=True, cwd="/")

    def psql(
        self, database: str, script: str, *, apply: bool = True, owner: str = "his", password: str = PASSWORD
    ) -> subprocess.CompletedProcess[str]:
        """Run a script as the role does."""
        command = ["runuser", "-u", "postgres", "--", "psql", "-h", str(self.directory), "-p", "54332", "-XqAt"]
        command += [
            "-v",
            "ON_ERROR_STOP=1",
            "-v",
            f"apply={str(apply).lower()}",
            "-v",
            f"owner={owner}",
            "-d",
            database,
        ]
        environment = {**os.environ, "HIS_VERIFIER": postgresql_verifier(password, owner)}
        return subprocess.run(
            command, input=script, capture_output=True, text=True, check=False, env=environment, cwd="/"
        )

    def said(self, database: str, file: str, **options: object) -> str:
        """Run one of the role's files and return what it printed."""
        done = self.psql(database, (SQL / file).read_text(encoding="utf-8"), **options)  # type: ignore[arg-type]
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def login(self, owner: str, password: str) -> bool:
        """Tell whether the owner gets in with a password."""
        command = ["psql", "-h", str(self.directory), "-p", "54332", "-U", owner, "-d", owner, "-XAtc", "SELECT 1"]
        environment = {**os.environ, "PGPASSWORD": password}
        return subprocess.run(command, capture_output=True, check=False, env=environment).returncode == 0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to run PostgreSQL as the user postgres")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not versions:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    directory = Path(tempfile.mkdtemp(prefix="xinglin-test-his-", dir="/var/tmp"))
    directory.chmod(0o711)
    home = Cluster(directory, versions[-1])
    data = directory / "data"
    try:
        data.mkdir()
        shutil.chown(directory, "postgres", "postgres")
        shutil.chown(data, "postgres", "postgres")
        home.server("initdb", "-D", data, "-k", "-E", "UTF8", "--locale=C.UTF-8", "-A", "peer", "--no-sync")
        (data / "pg_hba.conf").write_text(RULES)
        settings = f"-c listen_addresses='' -c unix_socket_directories={directory} -c fsync=off -p 54332"
        home.server("pg_ctl", "-D", data, "-w", "-l", directory / "log", "-o", settings, "start")
        yield home
    finally:
        if (data / "postmaster.pid").exists():
            home.server("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(directory)


def digests(cluster: Cluster, database: str) -> dict[str, str]:
    """Return the number of rows and the digest of the rows of each table."""
    query = "SELECT count(*) || ' ' || md5(string_agg(t::text, '|' ORDER BY t::text)) FROM %s AS t;"
    lines = cluster.psql(database, "".join(query % table for table in TABLES)).stdout.splitlines()
    return dict(zip(TABLES, lines, strict=True))


def test_the_database_is_made_once_and_check_mode_only_says_so(cluster: Cluster) -> None:
    assert cluster.said("postgres", "database.sql", apply=False, owner="once") == "changed"
    assert cluster.said("postgres", "database.sql", owner="once") == "changed"
    assert cluster.said("postgres", "database.sql", owner="once") == ""
    owned = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'once'"
    assert cluster.psql("postgres", owned).stdout == "once\n"


def test_the_owner_gets_in_with_the_password_whose_verifier_was_stored(cluster: Cluster) -> None:
    cluster.said("postgres", "database.sql", owner="login")
    assert cluster.login("login", PASSWORD)
    assert not cluster.login("login", PASSWORD + "x")


def test_a_new_password_replaces_the_old_one(cluster: Cluster) -> None:
    cluster.said("postgres", "database.sql", owner="renewed")
    assert cluster.said("postgres", "database.sql", owner="renewed", password="another one") == "changed"
    assert cluster.login("renewed", "another one")
    assert not cluster.login("renewed", PASSWORD)


def test_a_password_that_would_need_preparation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"vault\.yml"):
        postgresql_verifier("密码", "his")


def test_a_change_of_the_access_rules_is_loaded_and_a_wrong_one_is_told(cluster: Cluster) -> None:
    rules = cluster.directory / "data/pg_hba.conf"
    cluster.said("postgres", "database.sql", owner="rules")
    try:
        for account in ("nobody", "guest", "games"):  # within one second, so that whole seconds are not enough
            rules.write_text(RULES + f"local all {account} reject\n")
            assert cluster.said("postgres", "database.sql", owner="rules") == "changed"
            assert cluster.said("postgres", "database.sql", owner="rules") == ""
        rules.write_text(RULES + "local all nobody scram-sha\n")
        done = cluster.psql("postgres", (SQL / "database.sql").read_text())
        assert done.returncode == 3
        assert "pg_hba.conf has a line that PostgreSQL refuses" in done.stderr
    finally:
        rules.write_text(RULES)
        cluster.psql("postgres", "SELECT pg_reload_conf();")


def test_the_clinics_records_are_made_once_and_are_the_same_everywhere(cluster: Cluster) -> None:
    for name in ("first", "second"):
        cluster.said("postgres", "database.sql", owner=name)
        assert cluster.said(name, "clinic.sql", owner=name, apply=False) == "changed"
        assert cluster.said(name, "clinic.sql", owner=name) == "changed"
        assert cluster.said(name, "clinic.sql", owner=name) == ""
    first = digests(cluster, "first")
    assert first == digests(cluster, "second")
    counts = {table: int(line.split()[0]) for table, line in first.items()}
    assert counts["patient"] == 3000
    assert counts["visit"] == 9000
    assert 6000 < counts["prescription"] < counts["prescription_item"] < 30000


def test_the_clinics_records_make_sense(cluster: Cluster) -> None:
    cluster.said("postgres", "database.sql", owner="sense")
    cluster.said("sense", "clinic.sql", owner="sense")
    visits = "visit v JOIN patient p ON p.id = patient_id JOIN staff s ON s.id = staff_id WHERE"
    questions = {
        "a doctor of another department": f"{visits} s.department_id <> v.department_id",
        "a visit before the registration": f"{visits} started_at < registered_at",
        "a man in antenatal care": f"{visits} icd10 = 'Z34.9' AND sex = '男'",
        "a name that is not Chinese": "patient WHERE name !~ '^[一-龥]{2,4}$'",
        "a wrong amount": "prescription_item JOIN drug d ON d.id = drug_id WHERE amount <> quantity * price",
        "a table of another owner": "pg_tables WHERE schemaname = 'public' AND tableowner <> 'sense'",
    }
    for what, where in questions.items():
        question = "SELECT count(*) FROM " + where  # noqa: S608 - our own words
        assert cluster.psql("sense", question).stdout == "0\n", what
