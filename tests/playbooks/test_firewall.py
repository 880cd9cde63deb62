"""Which connections a host takes, and that nft takes the ruleset."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from inventory.schema.network import BUILTIN_SERVICES
from playbooks.filter_plugins import firewall
from playbooks.filter_plugins.firewall import host_rules
from playbooks.library.nft_ruleset import normal, undo_script
from tests.playbooks.rendered import Rendered, render

HOSTS = ("appliance1", "his1", "vault1")
needs_nft = pytest.mark.skipif(
    shutil.which("nft") is None or os.geteuid() != 0, reason="needs root and the package nftables"
)


def clinic(**more: object) -> dict[str, Any]:
    return {
        "addresses": {"appliance1": "198.18.0.10", "his1": "198.18.0.11", "vault1": "198.18.0.70"},
        "devices": {"nas1": "198.18.0.20"},
        "groups": {"appliance": ["appliance1"], "his_database": ["his1"], "offsite": ["vault1"], "pacs": []},
        "zones": [
            {"name": "servers", "cidr": "198.18.0.0/26"},
            {"name": "offsite", "cidr": "198.18.0.64/26"},
            {"name": "mgmt", "cidr": "198.18.0.128/26"},
        ],
        "services": {"postgresql": {"tcp": [5432]}, "dns": {"tcp": [53], "udp": [53]}},
        "flows": [],
        "ups": [],
        "told_by": [],
        **more,
    }


def flow(source: str, target: str, service: str) -> dict[str, str]:
    return {"from": source, "to": target, "service": service, "why": "because", "owner": "IT"}


def allowed(facility: dict[str, Any], host: str, controller: str = "") -> set[tuple[str, int, str]]:
    """Return (protocol, port, source) of everything that the host takes."""
    found = set()
    for rule in host_rules(facility, host, controller):
        for port in rule["ports"]:  # type: ignore[attr-defined]
            found |= {(str(rule["protocol"]), port, source) for source in rule["sources"]}  # type: ignore[attr-defined]
    return found


BARE_HIS = {("tcp", 22, "198.18.0.128/26"), ("tcp", 22, "198.18.0.10"), ("tcp", 9633, "198.18.0.10")}


def test_a_host_takes_the_operator_and_the_appliance_and_nobody_else():
    assert allowed(clinic(), "his1") == BARE_HIS


def test_the_appliance_serves_every_other_host_and_not_itself_over_the_network():
    taken = allowed(clinic(), "appliance1")
    for protocol, port in (("tcp", 3142), ("tcp", 8443), ("tcp", 8000), ("udp", 123)):
        assert (protocol, port, "198.18.0.11") in taken
        assert (protocol, port, "198.18.0.10") not in taken
    assert ("tcp", 8443, "198.18.0.128/26") in taken


@pytest.mark.parametrize(
    ("declared", "added"),
    [
        (flow("vault1", "his1", "postgresql"), {("tcp", 5432, "198.18.0.70")}),
        (flow("offsite", "his_database", "postgresql"), {("tcp", 5432, "198.18.0.70")}),  # the group wins over the zone
        (flow("servers", "his1", "postgresql"), {("tcp", 5432, "198.18.0.0/26")}),
        (flow("servers", "servers", "dns"), {("tcp", 53, "198.18.0.0/26"), ("udp", 53, "198.18.0.0/26")}),
        (flow("all", "all", "postgresql"), {("tcp", 5432, "198.18.0.10"), ("tcp", 5432, "198.18.0.70")}),
        (flow("his1", "vault1", "postgresql"), set()),
        (flow("his1", "his1", "postgresql"), set()),
        (flow("pacs", "his1", "postgresql"), set()),
    ],
)
def test_a_declared_flow_opens_what_it_says(declared: dict[str, str], added: set[tuple[str, int, str]]):
    assert allowed(clinic(flows=[declared]), "his1") - BARE_HIS == added


def test_the_controller_is_let_in_unless_the_management_zone_holds_it_already():
    assert ("tcp", 22, "198.18.1.5") in allowed(clinic(), "his1", "198.18.1.5")
    assert allowed(clinic(), "his1", "198.18.0.130") == BARE_HIS


def test_a_flow_that_a_role_needs_is_listed_once_with_the_facility_s_own_reason():
    rules = host_rules(clinic(flows=[flow("appliance", "all", "agent")]), "his1", "")
    assert [rule["why"] for rule in rules if rule["ports"] == (9633,)] == ["because (IT)"]


def test_who_is_fed_by_a_ups_reaches_its_host_and_is_reached_by_it():
    rack = {"connected_to": "vault1", "powers": ["vault1", "his1"]}
    assert allowed(clinic(ups=[rack]), "his1") - BARE_HIS == {("tcp", 9633, "198.18.0.70")}
    assert ("tcp", 3493, "198.18.0.11") in allowed(clinic(ups=[rack]), "vault1")
    assert not {rule for rule in allowed(clinic(ups=[rack]), "appliance1") if rule[1] == 3493}


def test_a_fed_device_hears_when_to_go():
    rack = {"connected_to": "vault1", "powers": ["vault1", "nas1"]}
    assert ("tcp", 3493, "198.18.0.20") in allowed(clinic(ups=[rack]), "vault1")


def test_traps_come_from_devices_that_are_asked_over_snmp():
    taken = allowed(clinic(told_by=[{"address": "198.18.0.150"}]), "appliance1")
    assert {rule for rule in taken if rule[1] == 162} == {("udp", 162, "198.18.0.150")}


def test_an_unknown_name_is_refused_with_the_next_step():
    with pytest.raises(ValueError, match="xinglin check"):
        host_rules(clinic(flows=[flow("nobody", "his1", "postgresql")]), "his1", "")


def test_the_built_in_services_have_the_ports_that_the_inventory_knows():
    known = {
        name: {key: list(ports) for key, ports in service.model_dump().items() if ports}
        for name, service in BUILTIN_SERVICES.items()
    }
    assert known == firewall.BUILTIN_SERVICES


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return render(tmp_path_factory.mktemp("firewall"), ["firewall"])


def netns(script: str, *arguments: str) -> str:
    """Run a script in a network namespace of its own and return its output."""
    command = ["unshare", "--net", "sh", "-euc", script, "sh", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_nft
@pytest.mark.parametrize("host", HOSTS)
def test_nft_accepts_the_ruleset_of_every_host_and_loads_it_twice(rendered: Rendered, host: str, tmp_path: Path):
    file = tmp_path / "nftables.conf"
    file.write_text(rendered[host]["firewall/nftables.conf"], encoding="utf-8")
    netns('nft -c -f "$1"', str(file))
    listing = netns('nft -f "$1"; nft -f "$1"; nft list ruleset', str(file))
    assert listing.count("table inet xinglin") == 1
    assert listing.count("policy drop") == 2
    assert "dport 22 accept" in listing


@needs_nft
def test_comments_in_chinese_fit_into_nft_s_limit(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path):
    long = flow("mgmt", "his1", "https") | {"why": '很长的"理由\\' * 40, "owner": "信息科", "review_by": "2027-06-30"}
    file = tmp_path / "nftables.conf"
    file.write_text(render(tmp_path_factory.mktemp("long"), ["firewall"], [long])["his1"]["firewall/nftables.conf"])
    netns('nft -c -f "$1"', str(file))


@needs_nft
def test_undoing_brings_back_exactly_what_was_loaded_or_nothing(rendered: Rendered, tmp_path: Path):
    old, new, undo = tmp_path / "old", tmp_path / "new", tmp_path / "undo"
    old.write_text(rendered["his1"]["firewall/nftables.conf"], encoding="utf-8")
    new.write_text(rendered["appliance1"]["firewall/nftables.conf"], encoding="utf-8")
    listing = netns('nft -f "$1"; nft list table inet xinglin', str(old))
    undo.write_text(undo_script(listing), encoding="utf-8")
    after = netns('nft -f "$1"; nft -f "$2"; nft list table inet xinglin', str(new), str(undo))
    assert normal(after) == normal(listing)
    undo.write_text(undo_script(""), encoding="utf-8")
    assert netns('nft -f "$1"; nft -f "$2"; nft list ruleset', str(new), str(undo)) == ""


@needs_nft
def test_the_ruleset_lets_through_what_it_declares_and_drops_the_rest(rendered: Rendered, tmp_path: Path):
    """Two namespaces on a veth pair: the operator's address and a stranger's, against the real ruleset of his1."""
    (tmp_path / "nftables.conf").write_text(rendered["his1"]["firewall/nftables.conf"], encoding="utf-8")
    script = """
    ip link set lo up
    ip link add left type veth peer name right
    unshare --net sh -c 'echo $$ >"$2"; exec sleep infinity' sh x "$1/pid" >/dev/null 2>&1 &
    running=$!
    trap 'kill $running' EXIT
    while ! [ -s "$1/pid" ]; do :; done
    other=$(cat "$1/pid")
    ip link set right netns "$other"
    nsenter -t "$other" -n sh -c '
        ip addr add 198.18.0.130/24 dev right; ip addr add 198.18.0.12/24 dev right; ip link set right up'
    ip addr add 198.18.0.11/24 dev left
    ip link set left up
    nft -f "$1/nftables.conf"
    python3 -m http.server 22 --bind 198.18.0.11 >/dev/null 2>&1 &
    running="$running $!"
    probe='import socket, sys
s = socket.socket(); s.settimeout(1); s.bind((sys.argv[1], 0))
print(sys.argv[1], s.connect_ex(("198.18.0.11", int(sys.argv[2]))) or "open")'
    until [ "$(nsenter -t "$other" -n python3 -c "$probe" 198.18.0.130 22)" = "198.18.0.130 open" ]; do :; done
    for address in 198.18.0.130 198.18.0.12; do
        for port in 22 9633; do nsenter -t "$other" -n python3 -c "$probe" "$address" "$port"; done
    done
    """
    seen = netns(script, str(tmp_path)).splitlines()
    assert seen[0] == "198.18.0.130 open"
    assert [line.endswith(" open") for line in seen] == [True, False, False, False]
