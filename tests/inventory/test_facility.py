"""What the loaded facility answers to the other rooms."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from inventory.loader import load_facility


def test_the_example_has_the_hosts_zones_and_policies_of_the_clinic(clinic: Path):
    facility = load_facility(clinic)
    assert {host.name: (host.address, host.zone, host.debian) for host in facility.hosts} == {
        "appliance1": ("198.18.0.10", "servers", 13),
        "his1": ("198.18.0.11", "servers", 12),
        "ws1": ("198.18.0.200", "staff", 12),
        "vault1": ("198.18.0.70", "offsite", 13),
    }
    assert facility.appliance.name == "appliance1"
    assert facility.host("his1").groups == ("his_application", "his_database")
    assert [policy.schedule for policy in facility.policies("his1")] == ["02:00"]
    assert facility.services["repository"].tcp == (8000,)
    assert facility.services["https"].tcp == (443,)
    with pytest.raises(KeyError):
        facility.host("his2")


def test_a_flows_end_means_the_host_else_the_group_else_the_zone(clinic: Path):
    facility = load_facility(clinic)
    assert facility.endpoint("his1") == ("198.18.0.11",)
    assert facility.endpoint("offsite") == ("198.18.0.70",)
    assert facility.endpoint("servers") == ("198.18.0.0/26",)
    assert facility.endpoint("all") == ("198.18.0.10", "198.18.0.11", "198.18.0.200", "198.18.0.70")
    assert facility.endpoint("pacs") == ()
    assert all(facility.endpoint(flow.from_) and facility.endpoint(flow.to) for flow in facility.flows)


def test_a_facility_never_changes(clinic: Path):
    facility = load_facility(clinic)
    with pytest.raises(ValidationError, match="frozen"):
        facility.hosts[0].address = "198.18.0.99"
