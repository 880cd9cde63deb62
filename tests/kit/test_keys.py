"""The second key in real repositories behind append-only servers: added, tried, taken away by the server alone."""

import json
import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from backup.config.policy import Config
from backup.errors import BackupError
from backup.kit import code, keys, server
from backup.status import Outcome, Purpose, read_restores
from tests.backup.clinic_host import ClinicHost

CODE = code.write(bytes(range(20)))
OTHER = code.write(bytes(20))


@pytest.fixture
def config(host: ClinicHost) -> Config:
    return host.configure([{"paths": [str(host.files)]}])


def xinglin(host: ClinicHost, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "xinglin.py", "backup", "key", *arguments]
    option = () if "--config" in arguments else ("--config", str(host.config_path))
    return subprocess.run([*command, *option], input=stdin, capture_output=True, text=True, check=False)


def test_the_code_is_added_once_to_both_repositories_and_opens_them_alone(host: ClinicHost, config: Config):
    first = xinglin(host, "add", "--kit", "qinghe-1", stdin=CODE)
    assert first.returncode == 0, first.stderr
    results = json.loads(first.stdout)
    assert [result["repository"] for result in results] == ["local", "offsite"]
    for result in results:
        at = config.repository(result["repository"])
        opened = keys.opened_by(at, CODE)
        assert (opened.id, opened.user, opened.host) == (result["key_id"], "qinghe-1", keys.KIT_HOST)
        assert len(keys.listed(at)) == 2
    again = xinglin(host, "add", "--kit", "qinghe-2", stdin=CODE)
    assert json.loads(again.stdout) == results


def test_plain_restic_opens_the_repository_with_the_printed_text(host: ClinicHost, config: Config):
    at = config.repository("offsite")
    keys.add(at, CODE, "qinghe-1")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(host.root),
        "RESTIC_REPOSITORY": at.url.replace("://", f"://{at.user}:{at.http_password}@"),
        "RESTIC_CACERT": str(at.ca),
        "RESTIC_PASSWORD": CODE,
    }
    said = subprocess.run(["restic", "cat", "config"], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(said.stdout)["version"] == 2


def test_the_code_is_on_no_command_line_and_on_no_disk(
    host: ClinicHost, config: Config, monkeypatch: pytest.MonkeyPatch
):
    seen = host.root / "seen"
    wrapper = host.root / "bin" / "restic"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\necho "$@" >>{seen}\nenv >>{seen}\nexec {which_restic()} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    assert xinglin(host, "add", "--kit", "qinghe-1", stdin=CODE).returncode == 0
    assert "key add" in seen.read_text()
    held = subprocess.run(["grep", "-rlF", CODE, str(host.root)], capture_output=True, text=True, check=False)
    assert held.stdout == ""


def which_restic() -> str:
    return subprocess.run(["which", "restic"], capture_output=True, text=True, check=True).stdout.strip()


def test_a_drill_tells_which_repositories_open_and_leaves_records(host: ClinicHost, config: Config):
    keys.add(config.repository("local"), CODE, "qinghe-1")
    said = xinglin(host, "open", "--drill", "--operator", "chenfang", stdin=CODE.lower())
    assert said.returncode == 1
    local, offsite = json.loads(said.stdout)
    assert local["cause"] is None
    assert offsite["cause"]["code"] == "wrong_password"
    records = {record.repository: record for record in read_restores(config.restores)}
    assert {name: record.outcome for name, record in records.items()} == {
        "local": Outcome.SUCCESS,
        "offsite": Outcome.FAILED,
    }
    assert {(record.purpose, record.operator) for record in records.values()} == {(Purpose.DRILL, "chenfang")}


def test_one_server_that_is_off_stops_no_other(host: ClinicHost, config: Config):
    host.offsite_server.stop()
    said = xinglin(host, "add", "--kit", "qinghe-1", stdin=CODE)
    local, offsite = json.loads(said.stdout)
    assert said.returncode == 1
    assert local["key_id"]
    assert offsite["cause"]["code"] == "repository_unreachable"


def test_a_mistyped_code_tries_nothing(host: ClinicHost, config: Config):
    said = xinglin(host, "add", "--kit", "qinghe-1", stdin=CODE[:-1] + "0")
    assert said.returncode == 3
    assert "group 8 of 8" in said.stderr
    assert len(keys.listed(config.repository("local"))) == 1


def test_a_host_cannot_take_a_key_away(host: ClinicHost, config: Config):
    at = config.repository("local")
    added = keys.add(at, CODE, "qinghe-1")
    with pytest.raises(BackupError):
        keys.remove(at, added.id)
    assert keys.opened_by(at, CODE).id == added.id


def keeper(host: ClinicHost, password: Path) -> Path:
    file = host.root / "keeper.json"
    data = host.local_server.data
    cache = host.root / "keeper-cache"
    cache.mkdir()
    config = {"kind": "local", "directory": str(data), "password_file": str(password), "cache_directory": str(cache)}
    file.write_text(json.dumps({**config, "ca": str(host.root / "ca.crt")}))
    return file


def test_the_server_takes_a_kits_key_away_and_no_other(host: ClinicHost, config: Config):
    at = config.repository("local")
    added = keys.add(at, CODE, "qinghe-1")
    kept = keys.add(at, OTHER, "qinghe-2")
    own = next(key for key in keys.listed(at) if key.current)
    file = keeper(host, config.repository_password_file)
    refused = xinglin(host, "remove", "--config", str(file), "his1", own.id)
    assert refused.returncode == 3
    assert "belongs to no recovery kit" in refused.stderr
    done = xinglin(host, "remove", "--config", str(file), "his1", added.id)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["removed"] is True
    assert {key.id for key in keys.listed(at)} == {own.id, kept.id}
    again = xinglin(host, "remove", "--config", str(file), "his1", added.id)
    assert json.loads(again.stdout)[0]["removed"] is False


def test_the_server_adds_a_key_for_a_host_that_is_off(host: ClinicHost, config: Config):
    file = keeper(host, config.repository_password_file)
    done = xinglin(host, "add-here", "--config", str(file), "--kit", "qinghe-1", "his1", stdin=CODE)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert keys.opened_by(config.repository("local"), CODE).id == result["key_id"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become the repository's user")
def test_the_server_leaves_no_file_of_roots_in_the_repository(host: ClinicHost, config: Config, tmp_path: Path):
    added = keys.add(config.repository("local"), CODE, "qinghe-1")
    file = keeper(host, config.repository_password_file)
    user = pwd.getpwnam("nobody")
    host.local_server.stop()
    subprocess.run(["chown", "-R", "nobody:", host.local_server.data, host.root / "keeper-cache"], check=True)
    for parent in (host.root, *host.root.parents):
        if (
            parent.owner() == "root"
            and parent.is_relative_to(tempfile.gettempdir())
            and parent != Path(tempfile.gettempdir())
        ):
            parent.chmod(0o755)
    done = xinglin(host, "remove", "--config", str(file), "his1", added.id)
    assert done.returncode == 0, done.stderr
    owners = {path.stat().st_uid for path in (host.local_server.data / "his1").rglob("*")}
    assert owners == {user.pw_uid}


def test_a_server_without_its_configuration_says_so(tmp_path: Path):
    with pytest.raises(BackupError) as raised, server.repository(tmp_path / "keeper.json", "his1"):
        pass
    assert raised.value.cause.code == "configuration_wrong"
