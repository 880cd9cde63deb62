"""The service roles render what each service reads, for every host of the example clinic."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from agent.config import load_config as load_agent
from backup.config import policy_file
from console.config import load_config as load_console
from playbooks.filter_plugins.repository import htpasswd_sha, repository_http_password
from tests.playbooks.rendered import ROLES, SECRETS, SERVICE_ROLES, Rendered, render

UNITS = (
    ("his1", "agent/xinglin-agent.service", 2.0),
    ("appliance1", "agent/xinglin-agent.service", 2.0),
    ("his1", "agent/xinglin-facts.service", 3.5),
    ("his1", "backup/xinglin-backup.service", 3.0),
    ("his1", "backup/xinglin-verify.service", 3.0),
    ("his1", "backup/xinglin-heal.service", 3.0),
    ("his1", "backup/xinglin-wal.service", 3.0),
    ("vault1", "repository/xinglin-repository.service", 1.5),
    ("appliance1", "console/xinglin-console.service", 1.5),
    ("appliance1", "console/xinglin-worker.service", 1.5),
)
TIMERS = (
    ("his1", "agent/xinglin-facts.timer"),
    ("his1", "backup/xinglin-backup.timer"),
    ("his1", "backup/xinglin-wal.timer"),
)
POSTGRESQL_FLOWS = [
    {"from": source, "to": "his_database", "service": "postgresql", "why": "", "owner": "", "review_by": "2027-06-30"}
    for source in ("vault1", "appliance", "staff")
]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return render(tmp_path_factory.mktemp("rendered"), [*SERVICE_ROLES, "restic"])


@pytest.fixture(scope="module")
def closed_texts(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """A clinic where no other host may reach the database."""
    return render(tmp_path_factory.mktemp("closed"), ["his"], other={"flows": []})


@pytest.fixture(scope="module")
def open_texts(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """A clinic where several hosts may reach the database."""
    return render(tmp_path_factory.mktemp("open"), ["his"], other={"flows": POSTGRESQL_FLOWS})


def written(directory: Path, name: str, text: str) -> Path:
    path = directory / name.rpartition("/")[2]
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("host", ["appliance1", "his1", "vault1"])
def test_the_agent_reads_its_configuration(texts: Rendered, host: str, tmp_path: Path) -> None:
    path = written(tmp_path, "agent.json", texts[host]["agent/agent.json"])
    config = load_agent(path, {"CREDENTIALS_DIRECTORY": "/run/credentials/x"})
    assert (config.host, config.allowed_clients) == (host, frozenset({"appliance1"}))
    assert ("postgresql@15-main.service" in config.units) == (host == "his1")
    assert ("xinglin-backup.timer" in config.units) == (host != "vault1")


@pytest.mark.parametrize("host", ["appliance1", "his1"])
def test_the_backup_job_reads_its_configuration(texts: Rendered, host: str, tmp_path: Path) -> None:
    config = policy_file.load(written(tmp_path, "backup.json", texts[host]["backup/backup.json"]))
    facility = yaml.safe_load((ROLES.parents[1] / "inventory/qinghe/group_vars/all/facility.yml").read_text())
    expected = [policy["name"] for policy in facility["backup_policies"] if host in policy["hosts"]]
    assert [policy.name for policy in config.policies] == expected
    assert config.offsite is not None
    assert config.local.url.endswith(f":8000/{host}/")
    assert config.local.url != config.offsite.url


def test_the_console_reads_its_configuration(texts: Rendered, tmp_path: Path) -> None:
    path = written(tmp_path, "console.json", texts["appliance1"]["console/console.json"])
    config = load_console(path, {})
    assert {host.name: host.zone for host in config.hosts}["vault1"] == "offsite"
    assert config.facility.name_zh in path.read_text(encoding="utf-8")
    assert {policy.name for policy in config.policies} == {"his", "appliance"}


def test_no_secret_is_in_a_file_that_is_not_a_secret_file(texts: Rendered) -> None:
    secrets = [*SECRETS.values(), repository_http_password(SECRETS["vault_backup_http_secret"], "vault1", "his1")]
    for host, files in texts.items():
        for name, text in files.items():
            assert not [secret for secret in secrets if secret in text], f"{name} on {host}"


@pytest.mark.parametrize("repository", ["appliance1", "vault1"])
def test_exactly_the_hosts_with_a_policy_may_log_in_at_a_repository(texts: Rendered, repository: str) -> None:
    secret = SECRETS["vault_backup_http_secret"]
    lines = texts[repository]["repository/repository.htpasswd"].splitlines()
    assert lines == [
        f"{host}:{htpasswd_sha(repository_http_password(secret, repository, host))}" for host in ("appliance1", "his1")
    ]


@pytest.mark.parametrize(("host", "name"), [*[unit[:2] for unit in UNITS], *TIMERS])
def test_systemd_understands_every_line_of_a_unit(texts: Rendered, host: str, name: str, tmp_path: Path) -> None:
    text = re.sub(r"=(/opt/xinglin/venv/bin/xinglin|/usr/bin/restic-rest-server)", "=/bin/true", texts[host][name])
    path = written(tmp_path, name, text)
    if path.suffix == ".timer":
        path.with_suffix(".service").write_text("[Service]\nExecStart=/bin/true\n")
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
    own = [line for line in done.stderr.splitlines() if path.stem in line]
    assert (done.returncode, own) == (0, [])


def test_no_run_for_the_backups_is_refused_because_it_was_asked_for_often(texts: Rendered) -> None:
    units = {name: text for files in texts.values() for name, text in files.items() if name.endswith(".service")}
    runs = {name: text for name, text in units.items() if "Type=oneshot" in text and "xinglin backup " in text}
    again = {name for name, text in runs.items() if "RemainAfterExit=yes" not in text}
    assert {Path(name).stem for name in again} >= {"xinglin-backup", "xinglin-keeper", "xinglin-watch"}
    assert [name for name in again if "StartLimitIntervalSec=0" not in runs[name]] == []


@pytest.mark.parametrize(("host", "name", "exposure"), UNITS)
def test_a_unit_is_as_locked_down_as_promised(
    texts: Rendered, host: str, name: str, exposure: float, tmp_path: Path
) -> None:
    path = written(tmp_path, name, texts[host][name])
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={exposure * 10:.0f}"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_the_nightly_timer_fires_at_the_facilitys_own_two_o_clock(texts: Rendered) -> None:
    calendar = re.findall(r"OnCalendar=(.*)", texts["his1"]["backup/xinglin-backup.timer"])
    command = ["systemd-analyze", "calendar", "--base-time=2026-11-23 00:00:00 UTC", *calendar]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"TZ": "UTC", "LC_ALL": "C"})
    assert "Next elapse: Mon 2026-11-23 18:00:00 UTC" in done.stdout


def test_the_database_listens_to_localhost_unless_a_flow_is_declared(
    closed_texts: Rendered, open_texts: Rendered
) -> None:
    assert "listen_addresses = 'localhost'" in closed_texts["his1"]["his/postgresql.conf"]
    assert "hostssl" not in closed_texts["his1"]["his/pg_hba.conf"]
    address = re.search(r"listen_addresses = 'localhost,(.*)'", open_texts["his1"]["his/postgresql.conf"])
    assert address
    rules = open_texts["his1"]["his/pg_hba.conf"]
    assert re.findall(r"^hostssl +his +his +(\S+) +scram-sha-256$", rules, re.MULTILINE) == [
        "198.18.0.70/32",
        "198.18.0.10/32",
        "198.18.0.192/26",
    ]


def test_debian_13_is_named_on_the_hosts_own_mirrors_only(texts: Rendered) -> None:
    sources = texts["his1"]["restic/trixie.sources"]
    assert re.findall(r"^URIs: (\S+)\nSuites: (\S+)$", sources, re.MULTILINE) == [
        ("http://mirror.example/debian/", "trixie"),
        ("http://mirror.example/debian-security/", "trixie-security"),
    ]
    assert sources.count("Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg") == 2


def test_apt_takes_restic_and_nothing_else_from_debian_13(texts: Rendered, tmp_path: Path) -> None:
    if shutil.which("apt-cache") is None:
        pytest.skip("no apt here: this is not Debian")
    old = ("restic", "restic-rest-server", "openssh-server", "libc6")
    new = (*old, "only-in-trixie")
    for suite, version, packages in (("bookworm", "1", old), ("trixie", "2", new)):
        archive = tmp_path / suite
        archive.mkdir()
        (archive / "Release").write_text(f"Codename: {suite}\nSuite: {suite}\n")
        (archive / "Packages").write_text(
            "\n".join(f"Package: {name}\nVersion: {version}\nArchitecture: all\n" for name in packages)
        )
    (tmp_path / "sources.list").write_text(
        "".join(f"deb [trusted=yes] file:{tmp_path}/{suite} ./\n" for suite in ("bookworm", "trixie"))
    )
    for name in ("lists/partial", "cache", "parts"):
        (tmp_path / name).mkdir(parents=True)
    places = {
        "Dir::Etc::SourceList": tmp_path / "sources.list",
        "Dir::Etc::SourceParts": tmp_path / "parts",
        "Dir::Etc::Preferences": written(tmp_path, "preferences", texts["his1"]["restic/preferences"]),
        "Dir::Etc::PreferencesParts": tmp_path / "parts",
        "Dir::State::Lists": tmp_path / "lists",
        "Dir::State::Status": written(tmp_path, "status", ""),
        "Dir::Cache": tmp_path / "cache",
        "APT::Sandbox::User": "root",
    }
    options = [argument for key, value in places.items() for argument in ("-o", f"{key}={value}")]
    subprocess.run(["apt-get", "-qq", *options, "update"], capture_output=True, text=True, check=True)
    command = ["apt-cache", *options, "policy", *new]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={"LC_ALL": "C"}).stdout
    candidates = dict(re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (\S+)", said, re.MULTILINE))
    assert candidates == dict(zip(new, ("2", "2", "1", "1", "(none)"), strict=True))


@pytest.mark.parametrize("role", [*SERVICE_ROLES, "restic"])
def test_a_roles_documented_defaults_are_its_defaults(role: str) -> None:
    specification = yaml.safe_load((ROLES / role / "meta/argument_specs.yml").read_text())["argument_specs"]
    options = {name: option for entry in specification.values() for name, option in entry["options"].items()}
    documented = {name: option["default"] for name, option in options.items() if "default" in option}
    defaults = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text())
    assert set(defaults) == set(options)
    assert {name: defaults[name] for name in documented} == documented


def test_every_rendered_json_file_ends_as_a_text_file(texts: Rendered) -> None:
    for name in ("agent/agent.json", "backup/backup.json", "console/console.json"):
        text = texts["appliance1"][name]
        assert text.endswith("}\n")
        assert json.loads(text)
