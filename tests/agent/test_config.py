"""The configuration file: defaults, and every mistake at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.config import Config, Tls, load_config
from agent.errors import AgentError
from agent.polled import NutSource, ProbeTarget, SnmpConfig, SnmpDevice, TrapListener
from agent.snmp.credentials import Community, User

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


SECRETS = {
    "rack-ups": {"version": "v2c", "community": "of-the-ups"},
    "sw-core": {"version": "v3", "user": "xinglin", "auth_key": "long-enough", "privacy_key": "long-enough-2"},
}
POLLED: dict[str, Any] = {
    "snmp": {
        "interval_seconds": 20,
        "devices": [
            {"name": "rack-ups", "kind": "ups", "address": "198.18.0.150"},
            {"name": "sw-core", "kind": "switch", "address": "198.18.0.151", "port": 1161},
        ],
        "traps": {"listen": "198.18.0.10"},
    },
    "probes": [
        {"name": "cam-gate", "kind": "camera", "address": "198.18.0.201", "tcp": 554},
        {"name": "ct-1", "kind": "medical", "address": "198.18.0.202"},
    ],
    "nut": [{"ups": "rack-ups", "address": "127.0.0.1", "server_name": "appliance1"}],
}


def load(tmp_path: Path, changes: dict[str, object], secrets: object = SECRETS) -> Config:
    (tmp_path / "snmp.json").write_text(secrets if isinstance(secrets, str) else json.dumps(secrets))
    return load_config(write(tmp_path, {**GOOD, **changes}), {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def mistakes(tmp_path: Path, changes: dict[str, object], secrets: object = SECRETS) -> list[str]:
    with pytest.raises(AgentError) as caught:
        load(tmp_path, changes, secrets)
    return caught.value.cause.split("; ")


def test_polled_devices_come_with_their_credentials(tmp_path: Path):
    config = load(tmp_path, POLLED)
    assert config.snmp == SnmpConfig(
        20,
        (
            SnmpDevice("rack-ups", "ups", "198.18.0.150", 161, Community("v2c", "of-the-ups")),
            SnmpDevice("sw-core", "switch", "198.18.0.151", 1161, User("xinglin", "long-enough", "long-enough-2")),
        ),
        TrapListener("198.18.0.10", 162),
    )
    assert config.probes == (
        ProbeTarget("cam-gate", "camera", "198.18.0.201", 554),
        ProbeTarget("ct-1", "medical", "198.18.0.202", None),
    )
    assert config.nut == (NutSource("rack-ups", "127.0.0.1", 3493, "appliance1"),)
    assert config.polls
    assert not load(tmp_path, {}).polls


def test_a_device_without_credentials_and_credentials_without_a_device_are_told(tmp_path: Path):
    secrets = {"rack-ups": SECRETS["rack-ups"], "sw-old": SECRETS["sw-core"]}
    assert mistakes(tmp_path, POLLED, secrets) == [
        "snmp.devices[1].name: sw-core has no credentials in snmp.json",
        "credentials snmp.json: sw-old: no such device in snmp.devices",
    ]


def test_all_mistakes_of_polled_devices_are_told_at_once(tmp_path: Path):
    data: dict[str, object] = {
        "snmp": {
            "interval_seconds": 0,
            "devices": [{"name": "", "kind": "toaster", "address": "ups.local", "port": 0, "colour": "red"}, 7],
            "traps": {"listen": "everywhere", "port": 70000},
            "speed": 1,
        },
        "probes": [{"name": "cam", "kind": "camera", "address": "198.18.0.1", "tcp": 0}],
        "nut": {"ups": "rack-ups"},
    }
    assert [mistake.split(":")[0] for mistake in mistakes(tmp_path, data, {})] == [
        "snmp.interval_seconds",
        "snmp.devices[0].name",
        "snmp.devices[0].kind",
        "snmp.devices[0].address",
        "snmp.devices[0].port",
        "snmp.devices[0].unknown keys colour (allowed",
        "snmp.devices[1]",
        "snmp.traps.listen",
        "snmp.traps.port",
        "snmp.unknown keys speed (allowed",
        "probes[0].tcp",
        "nut",
    ]


def test_two_devices_of_one_name_are_told(tmp_path: Path):
    probe = {"name": "rack-ups", "kind": "ups", "address": "198.18.0.150"}
    assert mistakes(tmp_path, {**POLLED, "probes": [probe]}) == ["snmp.devices, probes: rack-ups is there twice"]


@pytest.mark.parametrize(
    ("secrets", "mistake"),
    [
        ("{", "not JSON"),
        ([], "not a JSON object"),
        ({"rack-ups": {"version": "v2c"}}, "rack-ups: v2c needs community and nothing else"),
        ({"rack-ups": {"version": "v4", "community": "x"}}, "rack-ups: version must be v1, v2c or v3"),
        ({"rack-ups": {"version": "v3", "user": "x", "auth_key": "y"}}, "rack-ups: v3 needs user, auth_key and"),
        ({"rack-ups": {**SECRETS["sw-core"], "auth_key": "short"}}, "8 characters or more"),
        ({"rack-ups": {"version": "v2c", "community": ""}}, "every value must be a text that is not empty"),
        ({"rack-ups": "public"}, "rack-ups: must be an object"),
    ],
)
def test_credentials_that_cannot_be_are_told_without_a_secret(tmp_path: Path, secrets: object, mistake: str):
    snmp = {"devices": [POLLED["snmp"]["devices"][0]]}
    found = mistakes(tmp_path, {"snmp": snmp}, secrets)
    assert len(found) == 1
    assert found[0].startswith(f"credentials {tmp_path}/snmp.json: ")
    assert mistake in found[0]
    assert "short" not in found[0].replace("shorter", "")


def test_snmp_without_systemds_credential_is_told(tmp_path: Path):
    with pytest.raises(AgentError, match=r"LoadCredential=snmp\.json") as caught:
        load_config(write(tmp_path, {**GOOD, **POLLED}), {})
    assert "has no credentials" not in caught.value.cause
