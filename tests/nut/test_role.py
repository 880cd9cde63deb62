"""The role ``ups`` renders what NUT reads: who serves what, who watches what, no secret where it does not belong."""

import re
from pathlib import Path

import pytest

from playbooks.filter_plugins.ups import nut_devices, nut_monitors, nut_password, nut_users
from tests.playbooks.rendered import SECRETS, Rendered, render

STAGES = [
    {"name": "workstations", "hosts": ["ws1"]},
    {"name": "his", "hosts": ["his1"]},
    {"name": "appliance", "hosts": ["appliance1"]},
]
RACK = {"name": "rack-ups", "driver": "dummy", "connected_to": "appliance1", "powers": ["appliance1", "his1", "ws1"]}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return render(tmp_path_factory.mktemp("rendered"), ["ups"])


def test_each_stage_but_the_last_has_a_latch_beside_its_ups():
    names = [device["name"] for device in nut_devices([RACK], STAGES, "appliance1")]
    assert names == ["rack-ups", "rack-ups-workstations", "rack-ups-his"]
    assert nut_devices([RACK], STAGES, "his1") == []


def test_a_host_watches_its_ups_and_its_own_stages_latch_and_the_last_stage_its_ups_alone():
    watched = {
        host: [(item["ups"], item["role"]) for item in nut_monitors([RACK], STAGES, host)]
        for host in ("ws1", "his1", "appliance1", "vault1")
    }
    assert watched == {
        "ws1": [("rack-ups", "secondary"), ("rack-ups-workstations", "secondary")],
        "his1": [("rack-ups", "secondary"), ("rack-ups-his", "secondary")],
        "appliance1": [("rack-ups", "primary")],
        "vault1": [],
    }


def test_a_host_that_only_runs_the_ups_watches_it_without_going_down_with_it():
    elsewhere = {**RACK, "powers": ["his1"]}
    assert [(item["role"], item["supplies"]) for item in nut_monitors([elsewhere], STAGES, "appliance1")] == [
        ("primary", 0)
    ]
    assert nut_users([elsewhere], "appliance1") == [
        {"name": "appliance1", "role": "primary"},
        {"name": "his1", "role": "secondary"},
    ]


def test_a_password_opens_one_users_door_at_one_server():
    made = {nut_password("s", server, user) for server in ("a", "b") for user in ("x", "y")}
    assert len(made) == 4
    with pytest.raises(ValueError, match="xinglin init"):
        nut_password("", "a", "x")


def test_upsd_serves_the_ups_and_its_latches(texts: Rendered):
    conf = texts["appliance1"]["ups/ups.conf"]
    assert re.findall(r"^\[(.+)\]", conf, re.MULTILINE) == ["rack-ups", "rack-ups-workstations", "rack-ups-his"]
    assert conf.count("driver = dummy-ups") == 3
    assert conf.count("port = latch.dev") == 2
    assert "LISTEN 198.18.0.10 3493" in texts["appliance1"]["ups/upsd.conf"]


def test_secondaries_need_both_their_ups_and_their_latch(texts: Rendered):
    conf = texts["his1"]["ups/upsmon.conf"]
    password = nut_password(SECRETS["vault_nut_secret"], "appliance1", "his1")
    assert f"MONITOR rack-ups@198.18.0.10:3493 1 his1 {password} secondary" in conf
    assert f"MONITOR rack-ups-his@198.18.0.10:3493 1 his1 {password} secondary" in conf
    assert "MINSUPPLIES 2\n" in conf
    assert 'CERTHOST 198.18.0.10 "appliance1" 1 1' in conf
    assert "POWERDOWNFLAG" not in conf
    assert "HOSTSYNC 15\n" in conf


def test_the_primary_is_let_go_last_and_switches_the_ups_off(texts: Rendered):
    conf = texts["appliance1"]["ups/upsmon.conf"]
    assert re.findall(r"^MONITOR (\S+) .* (\w+)$", conf, re.MULTILINE) == [("rack-ups@127.0.0.1:3493", "primary")]
    assert "MINSUPPLIES 1\n" in conf
    assert "HOSTSYNC 60\n" in conf, "the longest stage of the clinic"
    assert "POWERDOWNFLAG /etc/killpower" in conf


def test_users_and_monitors_have_the_same_passwords(texts: Rendered):
    users = dict(re.findall(r"^\[(.+)\]\n  password = (.+)$", texts["appliance1"]["ups/upsd.users"], re.MULTILINE))
    assert set(users) == {"xinglin-power", "appliance1", "his1", "ws1"}
    for host in ("appliance1", "his1", "ws1"):
        used = set(re.findall(rf"^MONITOR \S+ \d {host} (\S+) ", texts[host]["ups/upsmon.conf"], re.MULTILINE))
        assert used == {users[host]}


def test_nut_gets_no_byte_that_its_parser_drops(texts: Rendered):
    for host, files in texts.items():
        for name, text in files.items():
            assert text.isascii(), f"{name} on {host}"


def test_no_password_is_in_a_file_that_everybody_may_read(texts: Rendered):
    for host, files in texts.items():
        for name, text in files.items():
            if name not in {"ups/upsd.users", "ups/upsmon.conf"}:
                assert not re.search(r"[0-9a-f]{64}", text), f"{name} on {host}"


def test_an_snmp_ups_is_read_with_its_own_keys(tmp_path: Path):
    over_snmp = {
        "name": "hall-ups", "name_zh": "大厅", "driver": "snmp", "connected_to": "appliance1", "powers": ["his1"],
        "address": "198.18.0.150", "zone": "mgmt", "snmp": {
            "version": "v3", "user": "xinglin", "auth_key": "vault_nut_secret", "privacy_key": "vault_nut_secret"
        },
    }  # fmt: skip
    conf = render(tmp_path, ["ups"], other={"ups": [over_snmp]})["appliance1"]["ups/ups.conf"]
    assert "driver = snmp-ups" in conf
    assert "port = 198.18.0.150:161" in conf
    assert "authProtocol = SHA256" in conf
    assert 'privPassword = "nut-of-the-test"' in conf
    assert "大厅" not in conf
