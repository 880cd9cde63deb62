"""Read gathered facts with suspicion: missing, failed, cut off or old output is never judged.

The format is ``/var/lib/xinglin/facts.json``, schema 1.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from compliance.results import Text, text

SCHEMA = 1
MAX_AGE = timedelta(hours=24)
CLOCK_TOLERANCE = timedelta(minutes=10)
_GREP_LINE = re.compile(r"^(/[^:]*):(.*)$")


class Untested(Exception):  # noqa: N818 (it is a verdict, not an error)
    """A step can't be decided; ``reason`` says why and ``next_step`` what to do about it."""

    def __init__(self, reason: Text, next_step: Text) -> None:
        super().__init__(reason.msgid)
        self.reason = reason
        self.next_step = next_step


def moment(stamp: object) -> datetime:
    """Return an RFC 3339 time.  Raises ValueError when ``stamp`` isn't one with a zone."""
    found = datetime.fromisoformat(str(stamp))
    if found.tzinfo is None:
        raise ValueError(f"{stamp}: a time without a zone")
    return found.astimezone(UTC)


@dataclass(frozen=True)
class Facts:
    """One host's facts as seen at ``now`` by a step that may read only ``allowed`` probes."""

    document: Mapping[str, Any]
    level: int
    now: datetime
    allowed: Collection[str] = ()

    @property
    def host(self) -> str:
        return str(self.document.get("host", "?"))

    def output(self, name: str, exit_codes: Collection[int] = (0,)) -> str:
        """Return what probe ``name`` printed.  Raises Untested unless it ended with one of ``exit_codes``."""
        probe = self._probe(name)
        code = probe.get("exit_code")
        if code not in exit_codes:
            lines = str(probe.get("stderr", "")).strip().splitlines() or ["-"]
            raise Untested(
                text(
                    "Probe {probe} gave no usable answer (exit code {code}): {message}",
                    probe=name,
                    code="-" if code is None else int(code),
                    message=lines[-1][:200],
                ),
                text(
                    "Run “{command}” on the host as root and remove what stops it; the next gathering judges again.",
                    command=str(probe.get("command", name)),
                ),
            )
        if probe.get("truncated"):
            raise Untested(
                text("Probe {probe} printed more than is kept; judging a part could hide a fault.", probe=name),
                text("Look at the full output on the host: {command}", command=str(probe.get("command", name))),
            )
        return str(probe.get("stdout", ""))

    def gathered(self, name: str) -> datetime:
        """Return when probe ``name`` ran on the host."""
        return moment(self._probe(name)["at"])

    def installed(self, *packages: str) -> bool:
        """Tell whether any of the Debian ``packages`` is installed (probe ``packages``)."""
        return bool(self.packages().keys() & set(packages))

    def packages(self) -> dict[str, str]:
        """Return the installed Debian packages with their versions."""
        rows = (line.split() for line in self.output("packages").splitlines())
        return {row[1]: row[2] for row in rows if len(row) == 3 and row[0].startswith("ii")}

    def lines(self, name: str) -> list[tuple[str, str]]:
        """Return (file, line) of a probe that greps configuration files; a file that isn't there gives no line."""
        found = (_GREP_LINE.match(line) for line in self.output(name, (0, 1, 2)).splitlines())
        return [(match[1], match[2].strip()) for match in found if match]

    def _probe(self, name: str) -> Mapping[str, Any]:
        if name not in self.allowed:
            raise LookupError(f"probe {name} isn't declared by this step")
        if self.document.get("schema") != SCHEMA:
            raise Untested(
                text("The facts have an unknown format (schema {schema}).", schema=str(self.document.get("schema"))),
                text("Bring agent and console to the same release, then gather again."),
            )
        found = [probe for probe in self.document.get("probes", ()) if probe.get("name") == name]
        if not found:
            raise Untested(
                text("Probe {probe} is missing from the facts.", probe=name),
                text("Update the agent on this host (playbook run), then gather again: xinglin agent gather"),
            )
        age = self.now - moment(found[-1].get("at"))
        hours = round(abs(age).total_seconds() / 3600, 1)
        if age > MAX_AGE:
            raise Untested(
                text("Probe {probe} is {hours} hours old; after 24 hours it proves nothing.", probe=name, hours=hours),
                text("See why xinglin-facts.timer doesn't run: systemctl status xinglin-facts.timer xinglin-facts"),
            )
        if age < -CLOCK_TOLERANCE:
            raise Untested(
                text("Probe {probe} is dated {hours} hours in the future.", probe=name, hours=hours),
                text("Set the clocks right (chronyc tracking) on this host and on the appliance."),
            )
        probe: Mapping[str, Any] = found[-1]
        return probe
