"""The power daemon's configuration from the facility's ``ups`` and ``shutdown_stages``."""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Item = Mapping[str, Any]

AGENT_PORT = 9633


def power_upses(
    ups: Sequence[Item],
    stages: Sequence[Item],
    host: str,
    hosts: Mapping[str, Item],
    zones: Sequence[Item],
    *,
    devices: Sequence[Item] = (),
) -> list[dict[str, Any]]:
    """Return the UPSes connected to ``host`` as power.json has them: each stage with those of its hosts that it feeds.

    ``hosts``: Ansible's hostvars.  A fed device has no agent: ``port`` is its ``tcp``, 0 for an echo.  A stage of which
    the UPS feeds nobody is left out; the last stage has no latch.
    """
    described = {device["name"]: _device(device, zones) for device in devices}
    return [
        {
            "name": item["name"],
            "simulated": item["driver"] == "dummy",
            "stages": [
                {
                    "name": stage["name"],
                    "latch": None if stage is stages[-1] else f"{item['name']}-{stage['name']}",
                    "below_seconds": stage["below_seconds"],
                    "takes_seconds": stage["takes_seconds"],
                    "hosts": [described.get(name) or _host(name, hosts[name], zones) for name in fed],
                }
                for stage in stages
                if (fed := [name for name in stage["hosts"] if name in item["powers"]])
            ],
        }
        for item in ups
        if item["connected_to"] == host and host in item["powers"]
    ]


def return_services(checks: Sequence[Item], hosts: Mapping[str, Item]) -> list[dict[str, Any]]:
    """Return the services that must answer after the return, with the addresses of their hosts."""
    return [
        {
            "name": check["name"],
            "host": check["host"],
            "address": hosts[check["host"]]["ansible_host"],
            "tcp": check["tcp"],
        }
        for check in checks
    ]


def _host(name: str, variables: Item, zones: Sequence[Item]) -> dict[str, Any]:
    address = variables["ansible_host"]
    return {
        "name": name,
        "address": address,
        "port": variables.get("agent_port", AGENT_PORT),
        "mac": variables.get("mac", ""),
        "broadcast": _broadcast(address, zones),
    }


def _device(device: Item, zones: Sequence[Item]) -> dict[str, Any]:
    return {
        "name": device["name"],
        "address": device["address"],
        "port": device.get("tcp") or 0,
        "mac": device.get("mac", ""),
        "broadcast": _broadcast(device["address"], zones),
        "agent": False,
    }


def _broadcast(address: str, zones: Sequence[Item]) -> str:
    """Return the broadcast address of the zone in which a host is, "" when it is in none."""
    for zone in zones:
        network = ipaddress.ip_network(zone["cidr"])
        if ipaddress.ip_address(address) in network:
            return str(network.broadcast_address)
    return ""


class FilterModule:
    """What Ansible looks for in a filter plug-in."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by the name that templates use."""
        return {"power_upses": power_upses, "return_services": return_services}
