"""Each host has a usable name and a meaning; there is exactly one appliance."""

import re
from collections.abc import Iterator

from inventory.draft import Draft
from inventory.mistakes import Mistake
from inventory.schema.host import GROUPS


def check_hosts(draft: Draft) -> Iterator[Mistake]:
    """Yield malformed host names, hosts without a group, no appliance or several."""
    if draft.hosts is None:
        return
    for entry in draft.hosts:
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", entry.name):
            allowed = "lower-case letters, digits and -, beginning with a letter, 63 characters at most"
            yield entry.variables.mistake(f"{entry.name!r} is not a host name", allowed)
        if not entry.groups:
            yield entry.variables.mistake(f"host {entry.name} is in no group", f"one or more of: {', '.join(GROUPS)}")
    appliances = [entry for entry in draft.hosts if "appliance" in entry.groups]
    if not appliances:
        path = ("all", "children", "appliance")
        yield draft.hosts_document.mistake(path, "no host is the appliance", "exactly one host in the group appliance")
    for entry in appliances[1:]:
        problem = f"host {entry.name} is a second appliance beside {appliances[0].name}"
        yield entry.variables.mistake(problem, "exactly one host in the group appliance")
