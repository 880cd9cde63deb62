"""Parsers for the text that probes give.

Pure.  Accounts and passwords raise ValueError on a line that doesn't fit: one left out could be the one that matters.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

NO_LOGIN_SHELLS = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false", "/bin/sync", "/usr/bin/sync")
NAMES_SHOWN = 8


@dataclass(frozen=True)
class Account:
    """A row of passwd."""

    name: str
    uid: int
    shell: str

    @property
    def can_log_in(self) -> bool:
        return self.shell not in NO_LOGIN_SHELLS


@dataclass(frozen=True)
class Secret:
    """What is known of an account's password: ``state`` is empty, locked or set; ages are days, None where not set."""

    name: str
    state: str
    min_days: int | None
    max_days: int | None
    warn_days: int | None


@dataclass(frozen=True)
class Listener:
    """A listening socket and the program behind it ('' when unknown)."""

    protocol: str
    address: str
    port: int
    program: str

    @property
    def exposed(self) -> bool:
        """Tell whether other machines can reach the address (not only this one)."""
        return not (self.address.startswith("127.") or self.address in ("[::1]", "::1"))


def listing(names: Iterable[object]) -> str:
    """Return at most eight names for a text, and how many more there are."""
    every = [str(name) for name in names]
    more = f" (+{len(every) - NAMES_SHOWN})" if len(every) > NAMES_SHOWN else ""
    return ", ".join(every[:NAMES_SHOWN]) + more


def accounts(output: str) -> list[Account]:
    """Parse probe ``accounts`` (seven columns, as passwd)."""
    return [Account(row[0], int(row[2]), row[6]) for row in _columns(output, 7)]


def secrets(output: str) -> dict[str, Secret]:
    """Parse probe ``shadow`` (eight columns: name, state, last change, min, max, warn, inactive, expires)."""
    return {
        row[0]: Secret(row[0], row[1], _number(row[3]), _number(row[4]), _number(row[5])) for row in _columns(output, 8)
    }


def keywords(output: str) -> dict[str, str]:
    """Parse ``keyword value`` lines (``sshd -T``, ``auditctl -s``, login.defs); the last of a keyword counts."""
    rows = (line.split(None, 1) for line in output.splitlines())
    return {row[0].lower(): row[1].strip() for row in rows if len(row) == 2}


def assignments(lines: Iterable[str]) -> dict[str, str]:
    """Parse ``name = value`` lines and bare flags (value ''); the last of a name counts."""
    pairs = (line.split("#", 1)[0].partition("=") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def listeners(output: str) -> list[Listener]:
    """Parse probe ``listening_sockets`` (``ss -Hltunp``)."""
    found = []
    for line in output.splitlines():
        row = line.split(None, 6)
        if len(row) < 6 or ":" not in row[4]:
            continue
        address, _, port = row[4].rpartition(":")
        program = re.search(r'\(\("([^"]*)"', row[6]) if len(row) > 6 else None
        if port.isdigit():
            found.append(
                Listener(row[0], address.split("%")[0], int(port), program.group(1) if program else ""),
            )
    return found


def units(output: str) -> dict[str, Mapping[str, str]]:
    """Parse probe ``services`` (``systemctl show``): unit → property → value."""
    blocks = (dict(line.partition("=")[::2] for line in block.splitlines()) for block in output.split("\n\n"))
    return {block["Id"]: block for block in blocks if "Id" in block}


def is_active(states: Mapping[str, Mapping[str, str]], names: Collection[str]) -> bool:
    """Tell whether one of the units ``names`` runs."""
    return any(states.get(name, {}).get("ActiveState") == "active" for name in names)


def module_arguments(lines: Iterable[tuple[str, str]], file: str, kind: str, module: str) -> list[list[str]]:
    """Return the arguments of each use of a PAM ``module`` of ``kind`` (auth, account, password) in ``file``."""
    found = []
    for path, line in lines:
        match = re.match(rf"-?{kind}\s+(?:\[[^\]]*\]|\S+)\s+(?:\S*/)?{re.escape(module)}(?:\s+(.*))?$", line)
        if path.endswith("/" + file) and match:
            found.append((match.group(1) or "").split())
    return found


def number(value: str | None, default: int) -> int:
    """Return ``value`` as a whole number, or ``default`` when it is missing or no number."""
    found = _number(value or "")
    return default if found is None else found


def _columns(output: str, count: int) -> list[list[str]]:
    rows = [line.split(":") for line in output.splitlines()]
    for place, row in enumerate(rows, 1):
        if len(row) != count:
            raise ValueError(f"line {place} has {len(row)} columns instead of {count}")
    return rows


def _number(value: str) -> int | None:
    return int(value) if re.fullmatch(r"-?\d+", value) else None
