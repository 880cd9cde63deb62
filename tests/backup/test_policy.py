"""The configuration file, and what restic is told about it."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from backup.config import policy_file
from backup.config.policy import Retention
from backup.errors import BackupError
from backup.repositories import restic
from backup.repositories.restic import Repository
from backup.sources.paths import PathsSource
from backup.sources.postgresql import PostgresqlSource

GOOD = {
    "host": "his1",
    "policies": [
        {
            "name": "his",
            "hosts": ["his1"],
            "schedule": "02:00",
            "rpo_hours": 24,
            "rto_hours": 4,
            "sources": [{"postgresql": {"database": "his"}}, {"paths": ["/etc"], "excludes": ["*.tmp"]}],
            "retention": {"keep_within": "1y90d"},
        }
    ],
    "local": {"url": "rest:https://198.18.0.10:8000/his1/", "user": "his1", "password_file": "/etc/x/local"},
    "offsite": None,
    "repository_password_file": "/etc/x/repository",
    "ca": "/etc/x/ca.crt",
    "state_directory": "/var/lib/x",
    "cache_directory": "/var/cache/x",
    "timezone": "Asia/Shanghai",
}


def test_a_good_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "backup.json"
    path.write_text(json.dumps(GOOD))
    config = policy_file.load(path)
    policy = config.policy("his")
    assert policy.sources == (PostgresqlSource("his"), PathsSource((Path("/etc"),), ("*.tmp",)))
    assert policy.retention == Retention(timedelta(days=455))
    assert config.runs == Path("/var/lib/x/runs")


def test_every_mistake_is_told_at_once_with_its_key_and_what_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "backup.json"
    bad = json.loads(json.dumps(GOOD))
    bad["extra"] = 1
    bad["ca"] = "relative"
    bad["local"]["url"] = "rest:https://his1:secret@198.18.0.10:8000/his1/"
    bad["policies"][0] |= {"schedule": "26:00", "rpo_hours": 0, "sources": [{"paths": []}, {"mysql": {}}]}
    bad["policies"].append(GOOD["policies"][0])  # type: ignore[index]
    path.write_text(json.dumps(bad))
    with pytest.raises(BackupError) as caught:
        policy_file.load(path)
    cause = caught.value.cause
    assert (cause.code, cause.place) == ("configuration_wrong", str(path))
    for part in (
        "backup.extra: unknown; allowed: ca, ",
        'backup.ca: "relative"; allowed: an absolute path',
        "backup.local.url: ",
        'backup.policies[0].schedule: "26:00"; allowed: a time of day such as "02:00"',
        "backup.policies[0].rpo_hours: 0; allowed: a number of hours above 0",
        "backup.policies[0].sources[0].paths: []; allowed: a list of absolute paths",
        "backup.policies[0].sources[1]: exactly one of the keys ",
        "two policies have the same name",
    ):
        assert part in cause.detail
    assert "secret" not in cause.detail


@pytest.mark.parametrize("content", ["", "{", "[]", '{"host": "his1"}'])
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "backup.json"
    path.write_text(content)
    with pytest.raises(BackupError, match="configuration_wrong"):
        policy_file.load(path)


def repository(name: str) -> Repository:
    url = f"rest:https://198.18.0.10:8000/{name}/"
    return Repository(name, url, name, f"p/{name}", Path("/k"), Path("/ca"), Path("/cache"))


def test_restic_gets_an_allow_listed_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTIC_REPOSITORY", "/elsewhere")
    monkeypatch.setenv("RESTIC_PASSWORD", "stray")
    monkeypatch.setenv("HTTPS_PROXY", "http://stray")
    environment = restic.environment(repository("a"), repository("b"))
    assert environment["RESTIC_REPOSITORY"] == "rest:https://198.18.0.10:8000/a/"
    assert environment["RESTIC_REST_PASSWORD"] == "p/a"
    assert environment["RESTIC_FROM_REPOSITORY"] == "rest:https://b:p%2Fb@198.18.0.10:8000/b/"
    assert not {"RESTIC_PASSWORD", "HTTPS_PROXY"} & set(environment)
    assert set(environment) - {"PATH", "HOME", "TMPDIR", "LANG"} == {n for n in environment if n.startswith("RESTIC_")}
    assert environment["PATH"] == os.environ["PATH"]


def test_no_command_holds_a_secret_and_no_repr_shows_one() -> None:
    commands = [
        restic.backup_command("his1", ["a=b"], [Path("/etc")], ["*.tmp"], None),
        restic.backup_command("his1", ["a=b"], (), (), "his.dump"),
        restic.check_command("1/7"),
        restic.copy_command(["abc"]),
    ]
    assert not any("p/a" in argument for command in commands for argument in command)
    assert "p/a" not in repr(repository("a"))
    assert commands[0][-3:] == ["--exclude=*.tmp", "--", "/etc"]


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "backup.json"
    twice = json.loads(json.dumps(GOOD))
    twice["policies"][0]["sources"] = [{"sqlite": {"path": "/a/x.db"}}, {"sqlite": {"path": "/a/x.db"}}]
    path.write_text(json.dumps(twice))
    with pytest.raises(BackupError, match=r"policies\[0\]\.sources: two of sqlite are called a-x\.db"):
        policy_file.load(path)
