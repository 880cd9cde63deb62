"""Which of a dump's users and roles are missing on a server, and the statements that make them.  Pure."""

import re
from collections.abc import Iterable

NAME = r"(?:`(?:[^`]|``)*`|'(?:[^']|'')*')"
WHO = rf"(?P<user>{NAME})(?:@(?P<host>{NAME}))?"
USER = re.compile(rf"^CREATE USER (?:IF NOT EXISTS )?{WHO}[ ;]")
ROLE = re.compile(rf"^/\*M!100005 CREATE ROLE (?:IF NOT EXISTS )?{WHO} ")
GRANT = re.compile(rf"^GRANT .* TO {WHO}(?: [^`']*| IDENTIFIED .*)?;$")
DEFAULT_ROLE = re.compile(rf"^/\*M!100005 SET DEFAULT ROLE .* FOR {WHO} \*/;$")
ROUTINE_GRANT = r"^GRANT .* ON (?:PROCEDURE|FUNCTION|PACKAGE|PACKAGE BODY) {database}\."


def missing(script: str, existing: Iterable[str]) -> tuple[list[str], str]:
    """Return the users (``user@host``) and roles of ``mariadb-dump --system=users``'s ``script`` that do not exist,
    and what makes them.

    A user that exists keeps its password and its rights: they may have changed for a reason.
    """
    known = set(existing)
    lines = script.splitlines()
    names: dict[str, str] = {}
    for line in lines:
        found = USER.match(line) or ROLE.match(line)
        if found and _who(found) not in known:
            names[_who(found)] = line if USER.match(line) else f"CREATE ROLE IF NOT EXISTS {found['user']};"
    rights = [
        line for line in lines if (found := GRANT.match(line) or DEFAULT_ROLE.match(line)) and _who(found) in names
    ]
    return list(names), "".join(f"{line}\n" for line in (*names.values(), *rights))


def routine_grants(script: str, database: str) -> str:
    """Return the grants on single routines of a database (given as it is quoted): they go when a routine is dropped."""
    wanted = re.compile(ROUTINE_GRANT.replace("{database}", re.escape(database)))
    return "".join(f"{line}\n" for line in script.splitlines() if wanted.match(line))


def _who(found: re.Match[str]) -> str:
    return _plain(found["user"]) + (f"@{_plain(found['host'])}" if found["host"] else "")


def _plain(quoted: str) -> str:
    mark = quoted[0]
    return quoted[1:-1].replace(mark * 2, mark)
