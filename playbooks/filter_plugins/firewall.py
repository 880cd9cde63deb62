"""Which connections a host takes: the facility's declared flows and those that our own roles need."""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

EVERYBODY = "all"

# The same ports as inventory.schema.network.BUILTIN_SERVICES (a test compares them).
BUILTIN_SERVICES: dict[str, dict[str, list[int]]] = {
    "ssh": {"tcp": [22]},
    "agent": {"tcp": [9633]},
    "console": {"tcp": [8443]},
    "repository": {"tcp": [8000]},
    "apt-cache": {"tcp": [3142]},
    "ntp": {"udp": [123]},
    "nut": {"tcp": [3493]},
    "snmp": {"udp": [161]},
    "snmp-trap": {"udp": [162]},
}

# (from, to, service, why): what the roles of site.yml need.
BUILTIN_FLOWS = (
    ("appliance", EVERYBODY, "ssh", "the appliance runs the playbooks"),
    ("appliance", EVERYBODY, "agent", "the console scrapes the agents"),
    (EVERYBODY, "appliance", "apt-cache", "Debian packages come from the appliance"),
    (EVERYBODY, "appliance", "console", "Python packages come from the appliance"),
    (EVERYBODY, "appliance", "ntp", "the appliance is the facility's time source"),
    (EVERYBODY, "appliance", "repository", "the night's backup"),
    (EVERYBODY, "offsite", "repository", "the copy away from the site"),
)


@dataclass(frozen=True, order=True)
class Rule:
    """One line of the ruleset: ``sources`` (networks; empty = anywhere) may reach ``ports`` over ``protocol``."""

    protocol: str
    ports: tuple[int, ...]
    sources: tuple[str, ...]
    why: str


def _networks(name: str, facility: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the addresses or networks that ``name`` stands for: host, else group, else zone."""
    addresses: Mapping[str, str] = facility["addresses"]
    if name == EVERYBODY:
        return tuple(addresses.values())
    if name in addresses:
        return (addresses[name],)
    if name in facility["groups"]:
        return tuple(addresses[host] for host in facility["groups"][name] if host in addresses)
    for zone in facility["zones"]:
        if zone["name"] == name:
            return (zone["cidr"],)
    raise ValueError(f"flow names {name!r}, which is no host, group or zone; next: run `xinglin check`")


def _contains(networks: Iterable[str], address: str) -> bool:
    return any(ipaddress.IPv4Address(address) in ipaddress.IPv4Network(network) for network in networks)


def _collapsed(networks: Iterable[str]) -> tuple[str, ...]:
    """Return the networks sorted and without overlap, a single address without its length."""
    collapsed = ipaddress.collapse_addresses(ipaddress.IPv4Network(network) for network in networks)
    return tuple(str(network).removesuffix("/32") for network in sorted(collapsed))


def _management(facility: Mapping[str, Any], controller: str) -> list[str]:
    """Return the networks of the operator: the zone ``mgmt`` and the controller's address, when there are any."""
    networks = [str(zone["cidr"]) for zone in facility["zones"] if zone["name"] == "mgmt"]
    if controller and not _contains(networks, controller):
        networks.append(controller)
    return networks


def _allowed(facility: Mapping[str, Any], host: str, controller: str) -> Iterator[tuple[Iterable[str], str, str]]:
    """Yield (sources, service, why) for everything that ``host`` takes, what the facility declares first."""
    own = facility["addresses"][host]
    for flow in facility["flows"]:
        if _contains(_networks(flow["to"], facility), own):
            yield _networks(flow["from"], facility), flow["service"], f"{flow['why']} ({flow['owner']})"
    management = _management(facility, controller)
    yield management, "ssh", "the operator"
    if host in facility["groups"].get("appliance", ()):
        yield management, "console", "the operator"
    for source, target, service, why in BUILTIN_FLOWS:
        if target == EVERYBODY or host in facility["groups"].get(target, ()):
            yield _networks(source, facility), service, why
    yield from _power(facility, host)


def _power(facility: Mapping[str, Any], host: str) -> Iterator[tuple[Iterable[str], str, str]]:
    """Yield what the UPSes and the devices need: hosts hear when to go, are asked whether they are back, traps come."""
    addresses: Mapping[str, str] = {**facility["devices"], **facility["addresses"]}
    for ups in facility["ups"]:
        if host == ups["connected_to"]:
            yield [addresses[fed] for fed in ups["powers"]], "nut", "who is fed hears when to go"
        elif host in ups["powers"]:
            yield [addresses[ups["connected_to"]]], "agent", "the UPS's host asks who is back"
    if host in facility["groups"].get("appliance", ()):
        yield [device["address"] for device in facility["told_by"]], "snmp-trap", "devices tell by themselves"


def host_rules(facility: Mapping[str, Any], host: str, controller: str) -> list[dict[str, object]]:
    """Return the rules of ``host``, sorted, one for each protocol of each service and reason.

    ``facility`` has ``addresses`` (host → IPv4 address), ``devices`` (device → IPv4 address), ``groups`` (group →
    hosts), ``zones``, ``services``, ``flows`` and ``ups`` as facility.yml writes them, and ``told_by``: the devices
    that are asked over SNMP.  ``controller`` is the address from which this run came ("" when unknown): it and the
    zone ``mgmt`` may use SSH and the console, so that the operator is never locked out.
    """
    services = {**facility["services"], **BUILTIN_SERVICES}
    own = facility["addresses"][host]
    rules: dict[tuple[object, ...], Rule] = {}
    for sources, service, why in _allowed(facility, host, controller):
        networks = _collapsed(network for network in sources if network != own)
        for protocol, ports in services[service].items():
            if networks and ports:
                rule = Rule(protocol, tuple(sorted(ports)), networks, why)
                rules.setdefault((rule.protocol, rule.ports, rule.sources), rule)
    return [asdict(rule) for rule in sorted(rules.values())]


class FilterModule:
    """What Ansible looks for in a filter plug-in."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by the name that templates use."""
        return {"host_rules": host_rules}
