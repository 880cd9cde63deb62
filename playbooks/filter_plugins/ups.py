"""Who watches which UPS, and in which role: the facility's ``ups`` and ``shutdown_stages`` as NUT's files want them."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Item = Mapping[str, Any]

DRIVERS = {"usb": "usbhid-ups", "snmp": "snmp-ups", "dummy": "dummy-ups"}


def nut_password(secret: str, server: str, user: str) -> str:
    """Return the password of ``user`` at the upsd of host ``server`` (hex SHA-256): derived, never stored.

    ``secret`` is the vault's ``vault_nut_secret``.
    """
    if not secret:
        raise ValueError("vault_nut_secret is empty; next: run `xinglin init` to make the facility's secrets")
    return hashlib.sha256(f"{secret}:{server}:{user}".encode()).hexdigest()


def nut_devices(ups: Sequence[Item], stages: Sequence[Item], host: str) -> list[dict[str, Any]]:
    """Return the sections of ``host``'s ups.conf: every UPS connected to it, each followed by its latches.

    A latch is a dummy UPS that is on line until the power daemon forces its shutdown: that of ``UPS-STAGE`` sends the
    hosts of one stage off, which NUT itself cannot do.  The last stage needs none: it goes with the UPS itself.
    Each has ``name``, ``driver`` (NUT's), ``latch``, ``desc`` (ASCII: NUT's parser drops everything else), and the
    driver's ``unit`` with its ``settings``, a file.
    """
    devices: list[dict[str, Any]] = []
    for item in ups:
        if item["connected_to"] != host:
            continue
        devices.append({**item, "driver": DRIVERS[item["driver"]], "latch": False, "desc": item["name"]})
        devices += [
            {"name": latch, "driver": "dummy-ups", "latch": True, "desc": f"{item['name']}: stage {stage['name']}"}
            for stage in stages[:-1]
            if (latch := f"{item['name']}-{stage['name']}")
        ]
    for device in devices:
        device["unit"] = f"nut-driver@{device['name']}.service"
        device["settings"] = f"/etc/systemd/system/{device['unit']}.d/xinglin.conf"
    return devices


def nut_driver_units(devices: Sequence[Item]) -> list[dict[str, Any]]:
    """Return the drivers' units as the module ``current_units`` wants them."""
    return [{"name": item["unit"], "newer_than": ["/etc/nut/ups.conf", item["settings"]]} for item in devices]


def nut_users(ups: Sequence[Item], host: str) -> list[dict[str, str]]:
    """Return the hosts that log in at ``host``'s upsd, with their role: itself as ``primary``, others ``secondary``."""
    fed = {name for item in ups if item["connected_to"] == host for name in (host, *item["powers"])}
    return [{"name": name, "role": "primary" if name == host else "secondary"} for name in sorted(fed)]


def nut_monitors(ups: Sequence[Item], stages: Sequence[Item], host: str) -> list[dict[str, Any]]:
    """Return what ``host``'s upsmon watches: the UPSes that feed it, and of each the latch of the host's stage.

    Each has ``ups``, ``server`` (the host of upsd), ``role`` and ``supplies``: 1 where the host must go down with it,
    0 for a UPS that is connected to the host but does not feed it.
    """
    monitors = []
    for item in ups:
        server, fed = item["connected_to"], host in item["powers"]
        if not fed and server != host:
            continue
        latches = [f"{item['name']}-{stage['name']}" for stage in stages[:-1] if fed and host in stage["hosts"]]
        role = "primary" if server == host else "secondary"
        monitors += [
            {"ups": name, "server": server, "role": role, "supplies": int(fed)} for name in (item["name"], *latches)
        ]
    return monitors


class FilterModule:
    """What Ansible looks for in a filter plug-in."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by the name that templates use."""
        return {
            "nut_password": nut_password,
            "nut_devices": nut_devices,
            "nut_driver_units": nut_driver_units,
            "nut_users": nut_users,
            "nut_monitors": nut_monitors,
        }
