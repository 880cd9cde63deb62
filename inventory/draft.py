"""Everything read of a facility before it is judged; what the cross-checks work on."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inventory.document import Document
from inventory.hosts import HostEntry
from inventory.view import View


@dataclass(frozen=True)
class Draft:
    """A facility as read: ``hosts`` is None when hosts.yml could not be read, ``secrets`` when vault.yml could not."""

    directory: Path
    hosts_document: Document
    hosts: tuple[HostEntry, ...] | None
    variables: View
    secrets: View | None

    def section(self, name: str) -> Iterator[View]:
        """Yield the items of a list of facility.yml."""
        return self.variables.get(name).items()

    def names(self, section: str) -> frozenset[str]:
        """Return the names declared in a list of facility.yml."""
        return frozenset(name for item in self.section(section) if (name := item.get("name").text))

    def host_names(self) -> frozenset[str]:
        """Return the names of the described hosts."""
        return frozenset(entry.name for entry in self.hosts or ())

    def networks(self) -> dict[str, ipaddress.IPv4Network]:
        """Return the network of every zone that has a valid one; of two zones with one name the first."""
        networks: dict[str, ipaddress.IPv4Network] = {}
        for zone in self.section("zones"):
            network = as_network(zone.get("cidr"))
            name = zone.get("name").text
            if network and name:
                networks.setdefault(name, network)
        return networks


def as_network(view: View) -> ipaddress.IPv4Network | None:
    """Return the network that ``view`` holds, None when it is none."""
    try:
        return ipaddress.IPv4Network(view.text or "")
    except ValueError:
        return None


def as_address(view: View) -> ipaddress.IPv4Address | None:
    """Return the address that ``view`` holds, None when it is none."""
    try:
        return ipaddress.IPv4Address(view.text or "")
    except ValueError:
        return None
