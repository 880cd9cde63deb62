"""Which of a dump's roles are missing on a server, and the statements that make them.  Pure."""

import re
from collections.abc import Iterable

IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^\s";]+)'
ABOUT = re.compile(rf"^(?:CREATE|ALTER) ROLE (?P<role>{IDENTIFIER})[ ;]")
MEMBER = re.compile(rf"^GRANT {IDENTIFIER} TO (?P<role>{IDENTIFIER})[ ;]")


def unquoted(identifier: str) -> str:
    """Return the name that an SQL identifier means."""
    return identifier[1:-1].replace('""', '"') if identifier.startswith('"') else identifier


def missing(script: str, existing: Iterable[str]) -> tuple[list[str], str]:
    """Return the roles of ``pg_dumpall --roles-only``'s ``script`` that do not exist, and what makes them.

    A role that exists keeps its password and its rights: they may have changed for a reason.
    """
    known = set(existing)
    names: list[str] = []
    for line in script.splitlines():
        found = ABOUT.match(line)
        if found and line.startswith("CREATE") and (name := unquoted(found["role"])) not in known:
            names.append(name)
    wanted = [
        line
        for line in script.splitlines()
        if (found := ABOUT.match(line) or MEMBER.match(line)) and unquoted(found["role"]) in names
    ]
    return names, "".join(f"{line}\n" for line in wanted)
