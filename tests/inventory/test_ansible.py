"""The facility is a standard Ansible inventory, and its schema is one that editors read."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from inventory.loader import load_facility
from inventory.writing import schema_text
from tests.inventory.conftest import EXAMPLE

TOOLS = Path(sys.executable).parent


def ansible(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TOOLS / arguments[0], *arguments[1:]],
        check=True,
        capture_output=True,
        text=True,
        cwd=home,
        env={**os.environ, "ANSIBLE_HOME": str(home / ".ansible"), "ANSIBLE_NOCOLOR": "1"},
    )


@pytest.mark.parametrize("source", ["", "hosts.yml"])
def test_ansible_reads_the_facility(source: str, clinic: Path, tmp_path: Path):
    vault = ("--vault-password-file", clinic / ".vault-password")
    result = ansible("ansible-inventory", "-i", clinic / source, *vault, "--list", home=tmp_path)
    listed = json.loads(result.stdout)
    facility = load_facility(clinic)
    for host in facility.hosts:
        variables = listed["_meta"]["hostvars"][host.name]
        assert variables["ansible_host"] == host.address
        assert variables["ansible_python_interpreter"] == "/usr/bin/python3"
        assert variables["zone"] == host.zone
        assert len(variables["vault_repository_password"]) == 64
        assert {group for group in listed if host.name in listed[group].get("hosts", ())} == set(host.groups)
    if source:
        assert result.stderr == ""


def test_ansible_logs_in_as_the_operator_with_the_facilitys_key(clinic: Path, tmp_path: Path):
    wanted = "{{ ansible_user }} {{ ansible_ssh_private_key_file }}"
    vault = ("--vault-password-file", clinic / ".vault-password")
    result = ansible("ansible", "-i", clinic / "hosts.yml", *vault, "his1", "-m", "debug", "-a", f"msg='{wanted}'",
                     home=tmp_path)  # fmt: skip
    assert f"xinglin-ops {clinic}/operator_ed25519" in result.stdout


def test_the_example_holds_no_secret_and_only_its_own_addresses():
    assert {path.relative_to(EXAMPLE).as_posix() for path in EXAMPLE.rglob("*") if path.is_file()} == {
        ".gitignore",
        "hosts.yml",
        "group_vars/all/facility.yml",
    }


def test_the_example_moves_to_other_addresses_by_its_prefix(clinic: Path):
    for file in clinic.rglob("*.yml"):
        if file.name != "vault.yml":
            file.write_text(file.read_text(encoding="utf-8").replace("198.18.0.", "198.18.77."), encoding="utf-8")
    facility = load_facility(clinic)
    assert {host.address.rpartition(".")[0] for host in facility.hosts} == {"198.18.77"}
    assert {zone.gateway.rpartition(".")[0] for zone in facility.zones} == {"198.18.77"}


def as_json(file: Path) -> Any:  # noqa: ANN401
    return json.loads(json.dumps(yaml.safe_load(file.read_text(encoding="utf-8")), default=str))


def test_the_schema_for_editors_accepts_the_example_and_refuses_an_unknown_key():
    schema = json.loads(schema_text())
    validator = jsonschema.Draft202012Validator(schema)
    data = as_json(EXAMPLE / "group_vars/all/facility.yml")
    validator.validate(data)
    data["zones"][0]["vlna"] = 10
    assert [list(error.absolute_path) for error in validator.iter_errors(data)] == [["zones", 0]]


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_git_ignores_the_secrets_of_the_example(clinic: Path):
    subprocess.run(["git", "init", "-q", clinic], check=True)
    status = subprocess.run(
        ["git", "-C", clinic, "status", "--porcelain", "-uall"], check=True, capture_output=True, text=True
    ).stdout
    assert sorted(line[3:] for line in status.splitlines()) == [
        ".gitignore",
        "group_vars/all/facility.yml",
        "hosts.yml",
    ]
