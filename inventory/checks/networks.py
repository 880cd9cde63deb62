"""The zones' networks and their gateways."""

import ipaddress
from collections.abc import Iterator

from inventory.draft import Draft, as_address, as_network
from inventory.mistakes import Mistake


def check_networks(draft: Draft) -> Iterator[Mistake]:
    """Yield overlapping zones, gateways outside their zone, routers without their zones' gateway addresses."""
    seen: list[tuple[str, ipaddress.IPv4Network, int]] = []
    for zone in draft.section("zones"):
        cidr = zone.get("cidr")
        network = as_network(cidr)
        if network is None:
            continue
        name = zone.get("name").text or "without a name"
        for other, other_network, line in seen:
            if network.overlaps(other_network):
                problem = f"{network} overlaps {other_network} of zone {other} on line {line}"
                yield cidr.mistake(problem, "a network that no other zone has a part of")
        seen.append((name, network, cidr.document.line(cidr.path)))
        gateway = as_address(zone.get("gateway"))
        if gateway and not is_usable(gateway, network):
            problem = f"gateway {gateway} is not a usable address of {network}"
            yield zone.get("gateway").mistake(problem, address_range(network))
    yield from _check_gateways(draft)


def _check_gateways(draft: Draft) -> Iterator[Mistake]:
    owner: dict[str, str] = {}
    addresses = {
        name: address
        for zone in draft.section("zones")
        if (name := zone.get("name").text) and (address := as_address(zone.get("gateway")))
    }
    for gateway in draft.section("gateways"):
        own = gateway.get("name").text or "without a name"
        held = {addresses[zone.text] for zone in gateway.get("zones").items() if zone.text in addresses}
        address = as_address(gateway.get("address"))
        if address and held and address not in held:
            allowed = f"one of its zones' gateway addresses: {', '.join(map(str, sorted(held)))}"
            yield gateway.get("address").mistake(f"{address} is not the gateway of one of its zones", allowed)
        for zone in gateway.get("zones").items():
            if zone.text in owner:
                yield zone.mistake(f"zone {zone.text} has the gateway {owner[zone.text]} already", "one gateway a zone")
            elif zone.text:
                owner[zone.text] = own


def is_usable(address: ipaddress.IPv4Address, network: ipaddress.IPv4Network) -> bool:
    """Tell whether a machine in ``network`` may have ``address``."""
    edges = (network.network_address, network.broadcast_address) if network.prefixlen < 31 else ()
    return address in network and address not in edges


def address_range(network: ipaddress.IPv4Network) -> str:
    """Say which addresses a machine in ``network`` may have."""
    if network.prefixlen >= 31:
        return str(network)
    return f"{network.network_address + 1} to {network.broadcast_address - 1}"
