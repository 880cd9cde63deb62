"""The configuration file: defaults, and every mistake at once."""

import json
from pathlib import Path

import pytest

from agent.config import Config, Tls, load_config
from agent.errors import AgentError

GOOD = {"host": "his1", "listen": "198.18.0.11", "allowed_clients": ["appliance1"]}


def write(tmp_path: Path, data: object) -> Path:
    path = tmp_path / "agent.json"
    path.write_text(json.dumps(data))
    return path


def test_a_short_configuration_takes_systemds_credentials_and_the_defaults(tmp_path: Path):
    config = load_config(write(tmp_path, GOOD), {"CREDENTIALS_DIRECTORY": "/run/credentials/agent"})
    directory = Path("/run/credentials/agent")
    assert config == Config(
        host="his1",
        listen="198.18.0.11",
        port=9633,
        allowed_clients=frozenset({"appliance1"}),
        tls=Tls(directory / "ca.crt", directory / "host.crt", directory / "host.key"),
        units=(),
        certificates=(),
        state_directory=Path("/var/lib/xinglin"),
    )


def test_all_mistakes_are_told_at_once(tmp_path: Path):
    data = {"host": "", "listen": "his1", "port": 70000, "allowed_clients": [], "units": [1], "colour": "red"}
    with pytest.raises(AgentError) as caught:
        load_config(write(tmp_path, data), {})
    mistakes = caught.value.cause.split("; ")
    assert [mistake.split(":")[0] for mistake in mistakes] == [
        "tls.ca",
        "tls.certificate",
        "tls.key",
        "host",
        "listen",
        "port",
        "allowed_clients",
        "units",
        "unknown keys colour (allowed",
    ]
    assert caught.value.place == str(tmp_path / "agent.json")


def test_unknown_keys_of_tls_are_told(tmp_path: Path):
    with pytest.raises(AgentError, match="tls: unknown keys password"):
        load_config(write(tmp_path, {**GOOD, "tls": {"password": "x"}}), {"CREDENTIALS_DIRECTORY": "/run"})


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_file_that_is_no_json_object_is_told(tmp_path: Path, text: str):
    path = tmp_path / "agent.json"
    path.write_text(text)
    with pytest.raises(AgentError, match=r"not (a )?JSON"):
        load_config(path, {})


def test_a_missing_file_is_told_with_the_next_step(tmp_path: Path):
    with pytest.raises(AgentError, match=r"No such file or directory\. Next: run the playbook"):
        load_config(tmp_path / "agent.json", {})
