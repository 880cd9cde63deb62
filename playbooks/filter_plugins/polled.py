"""What the agent asks beside its own host: the facility's UPSes, devices, access points and gateways."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Item = Mapping[str, Any]


def snmp_devices(
    ups: Sequence[Item], devices: Sequence[Item], access_points: Sequence[Item], gateways: Sequence[Item]
) -> list[dict[str, Any]]:
    """Return everything that is asked over SNMP, in the facility's order: ``name kind address port`` and ``snmp``."""
    kinds = (
        *(("ups", item) for item in ups),
        *((item["kind"], item) for item in devices),
        *(("access_point", item) for item in access_points),
        *(("gateway", item) for item in gateways),
    )
    return [
        {
            "name": item["name"],
            "kind": kind,
            "address": item["address"],
            "port": item["snmp"].get("port", 161),
            "snmp": item["snmp"],
        }
        for kind, item in kinds
        if item.get("snmp")
    ]


def snmp_config(devices: Sequence[Item], listen: str) -> dict[str, Any]:
    """Return the agent's key ``snmp`` for ``snmp_devices``; traps are received at the address ``listen``."""
    keys = ("name", "kind", "address", "port")
    return {
        "devices": [{key: device[key] for key in keys} for device in devices],
        "traps": {"listen": listen, "port": 162},
    }


def snmp_secrets(devices: Sequence[Item]) -> list[dict[str, Any]]:
    """Return for each device its ``name``, its ``plain`` settings, and which vault variable holds which ``secret``."""
    secret = ("community", "auth_key", "privacy_key")
    return [
        {
            "name": device["name"],
            "plain": {key: device["snmp"][key] for key in ("version", "user") if device["snmp"].get(key)},
            "secret": {key: device["snmp"][key] for key in secret if device["snmp"].get(key)},
        }
        for device in devices
    ]


def probes(devices: Sequence[Item]) -> list[dict[str, Any]]:
    """Return the agent's key ``probes``: the devices of which only the answer counts."""
    return [
        {key: item[key] for key in ("name", "kind", "address", "tcp") if item.get(key)}
        for item in devices
        if not item.get("snmp")
    ]


def nut_sources(ups: Sequence[Item], host: str) -> list[dict[str, Any]]:
    """Return the agent's key ``nut`` on ``host``: the UPSes of its own upsd, whose certificate is the host's."""
    return [
        {"ups": item["name"], "address": "127.0.0.1", "port": 3493, "server_name": host}
        for item in ups
        if item["connected_to"] == host
    ]


class FilterModule:
    """What Ansible looks for in a filter plug-in."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by the name that templates use."""
        return {
            "snmp_devices": snmp_devices,
            "snmp_config": snmp_config,
            "snmp_secrets": snmp_secrets,
            "probes": probes,
            "nut_sources": nut_sources,
        }
