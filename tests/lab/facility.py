"""The example facility, laid out for one lab: its own addresses, its own secrets, its networks."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from inventory.create import make_secrets
from inventory.loader import Host, load_facility
from tests.lab.network import Flow, Zone, bridge_name

EXAMPLE = Path(__file__).parents[2] / "inventory" / "qinghe"
EXAMPLE_PREFIX = "198.18.0."
REPOSITORY_PORT = 8000


@dataclass(frozen=True)
class Plan:
    """What the lab must make for a facility."""

    zones: tuple[Zone, ...]
    flows: tuple[Flow, ...]
    hosts: tuple[Host, ...]

    @property
    def releases(self) -> tuple[int, ...]:
        return tuple(sorted({host.debian for host in self.hosts}))


def lay_out(directory: Path, slot: int) -> Plan:
    """Copy the example to ``directory`` with the addresses of ``slot`` and fresh secrets, and plan its networks."""
    shutil.copytree(EXAMPLE, directory)
    for path in directory.rglob("*.yml"):
        path.write_text(path.read_text(encoding="utf-8").replace(EXAMPLE_PREFIX, f"198.18.{slot}."), encoding="utf-8")
    make_secrets(directory)
    facility = load_facility(directory)
    used = {host.zone for host in facility.hosts}
    zones = tuple(
        Zone(zone.name, bridge_name(slot, index), str(zone.cidr), str(zone.gateway))
        for index, zone in enumerate(facility.zones)
        if zone.name in used
    )
    addresses = {host.name: str(host.address) for host in facility.hosts}
    vaults = [str(host.address) for host in facility.hosts if "offsite" in host.groups]
    sources = sorted({name for policy in facility.backup_policies for name in policy.hosts})
    flows = tuple(Flow(addresses[name], vault, REPOSITORY_PORT) for name in sources for vault in vaults)
    return Plan(zones, flows, tuple(facility.hosts))
