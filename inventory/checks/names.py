"""Every name means one thing."""

from collections.abc import Iterator

from inventory.draft import Draft
from inventory.mistakes import Mistake
from inventory.schema.host import GROUPS
from inventory.schema.network import BUILTIN_SERVICES

NAMED = {
    "zones": "zone",
    "mlps_systems": "system",
    "backup_policies": "policy",
    "backup_copies": "copy",
    "contacts": "contact",
    "shutdown_stages": "stage",
    "return_checks": "check",
    "devices": "device",
    "notification_routes": "route",
    "ups": "UPS",
    "access_points": "access point",
    "gateways": "gateway",
}


def check_names(draft: Draft) -> Iterator[Mistake]:
    """Yield names used twice in one list, hosts named like a group or a zone, redefined built-in services."""
    for section, noun in NAMED.items():
        first: dict[str, int] = {}
        for item in draft.section(section):
            view = item.get("name")
            if view.text is None:
                continue
            line = view.document.line(view.path)
            if view.text in first:
                yield view.mistake(f"{noun} {view.text} is already on line {first[view.text]}", "a name of its own")
            first.setdefault(view.text, line)
    zones = draft.names("zones")
    for entry in draft.hosts or ():
        if entry.name in GROUPS or entry.name in zones or entry.name == "all":
            kind = "zone" if entry.name in zones else "group"
            yield entry.variables.mistake(f"a {kind} has the name {entry.name} too", "a host name of its own")
    yield from _devices_like_hosts(draft)
    services = draft.variables.get("services")
    for name in services.names():
        if name in BUILTIN_SERVICES:
            builtin = ", ".join(sorted(BUILTIN_SERVICES))
            yield services.get(name).mistake(f"service {name} is built in", f"a name other than {builtin}")


def _devices_like_hosts(draft: Draft) -> Iterator[Mistake]:
    """Yield devices with the name of a host: a UPS may power either."""
    for device in draft.section("devices"):
        name = device.get("name")
        if name.text in draft.host_names():
            yield name.mistake(f"a host has the name {name.text} too", "a device name of its own")
