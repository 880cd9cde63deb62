"""Every address belongs to one thing and lies in its zone."""

from collections.abc import Iterator

from inventory.checks.networks import address_range, is_usable
from inventory.draft import Draft, as_address
from inventory.mistakes import Mistake
from inventory.view import View


def check_addresses(draft: Draft) -> Iterator[Mistake]:
    """Yield addresses used twice, and addresses outside the network of their zone."""
    taken: dict[object, str] = {}
    for zone in draft.section("zones"):
        gateway = as_address(zone.get("gateway"))
        owner = f"the gateway of zone {zone.get('name').text}"
        if gateway in taken:
            yield zone.get("gateway").mistake(f"{gateway} is {taken[gateway]} too", "an address of its own")
        elif gateway:
            taken[gateway] = owner
    networks = draft.networks()
    for name, view, zone_view in _holders(draft):
        address = as_address(view)
        if address is None:
            continue
        if address in taken:
            yield view.mistake(f"{address} is {taken[address]} too", "an address of its own")
        taken.setdefault(address, f"the address of {name}")
        network = networks.get(zone_view.text or "")
        if network and not is_usable(address, network):
            problem = f"{address} is not a usable address of zone {zone_view.text}, {network}"
            fitting = [zone for zone, other in networks.items() if is_usable(address, other)]
            other_zone = f"; or zone: {fitting[0]}" if fitting else ""
            yield view.mistake(problem, address_range(network) + other_zone)


def _holders(draft: Draft) -> Iterator[tuple[str, View, View]]:
    for entry in draft.hosts or ():
        yield entry.name, entry.variables.get("ansible_host"), entry.variables.get("zone")
    for section in ("ups", "access_points", "devices"):
        for item in draft.section(section):
            yield item.get("name").text or section, item.get("address"), item.get("zone")
