"""Every name that is used is declared."""

from collections.abc import Iterator

from inventory.draft import Draft
from inventory.mistakes import Mistake, nearest
from inventory.schema.network import BUILTIN_SERVICES
from inventory.view import View

# (list of facility.yml, key in its items, what the key names)
REFERENCES = (
    ("flows", "service", "service"),
    ("flows", "from", "endpoint"),
    ("flows", "to", "endpoint"),
    ("backup_policies", "hosts", "host"),
    ("mlps_systems", "hosts", "host"),
    ("ups", "powers", "fed"),
    ("ups", "connected_to", "host"),
    ("ups", "zone", "zone"),
    ("devices", "zone", "zone"),
    ("shutdown_stages", "hosts", "fed"),
    ("return_checks", "host", "host"),
    ("access_points", "zone", "zone"),
    ("gateways", "zones", "zone"),
    ("notification_routes", "contacts", "contact"),
)
WORDS = {"endpoint": "host, group or zone", "fed": "host or device"}


def check_references(draft: Draft) -> Iterator[Mistake]:
    """Yield every use of an undeclared host, group, zone, service or contact, and names twice in one list."""
    known = _known(draft)
    for section, key, noun in REFERENCES:
        for item in draft.section(section):
            seen: set[str] = set()
            for view in _uses(item.get(key)):
                name = view.text or ""
                what = WORDS.get(noun, noun)
                if name in seen:
                    yield view.mistake(f"{what} {name} is in the list twice", "each name once")
                elif noun in known and name not in known[noun]:
                    yield view.mistake(f"unknown {what} {name}", nearest(name, known[noun]))
                seen.add(name)
    for entry in draft.hosts or ():
        zone = entry.variables.get("zone")
        if zone.text and "zone" in known and zone.text not in known["zone"]:
            yield zone.mistake(f"unknown zone {zone.text}", nearest(zone.text, known["zone"]))


def _uses(view: View) -> Iterator[View]:
    if view.text is not None:
        yield view
    yield from (item for item in view.items() if item.text is not None)


def _known(draft: Draft) -> dict[str, frozenset[str]]:
    """Return the declared names by noun; a noun whose file could not be read is left out."""
    if draft.variables.value is None:
        return {}
    known = {
        "zone": draft.names("zones"),
        "contact": draft.names("contacts"),
        "service": frozenset(BUILTIN_SERVICES) | frozenset(draft.variables.get("services").names()),
    }
    if draft.hosts is not None:
        known["host"] = draft.host_names()
        known["fed"] = known["host"] | draft.names("devices")
        groups = {group for entry in draft.hosts for group in entry.groups}
        known["endpoint"] = known["host"] | known["zone"] | groups | {"all", "appliance"}
    return known
