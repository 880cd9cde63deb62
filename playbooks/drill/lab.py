"""The mains of a lab drill: takes the power of whoever hangs, boots the UPS's host, answers wake-up packets."""

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from agent.power.records import PowerRecord
from playbooks.recovery.remote import RecoveryError
from tests.lab import lab as labs
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.mains import StandbyCards

AWAY_SECONDS = 5.0
"""For how long the mains stays away when everything is dark."""

PYTHON = "/opt/xinglin/venv/bin/python"
ON_MAINS = """
import sys
from pathlib import Path
from agent.nut.client import NutClient
with NutClient.connect("127.0.0.1", tls=None, server_name=None, timeout_seconds=5) as upsd:
    upsd.authenticate("xinglin-power", Path("/etc/xinglin/secrets/power.password").read_text().strip())
    upsd.set_variable(sys.argv[1], "ups.status", "OL CHRG")
"""
"""Runs on the UPS's host: the password stays there, in its file."""


class LabMains:
    """Watches the lab's machines from outside, as the UPS's outlets do."""

    def __init__(self, lab: Lab, clock: Callable[[], float] = time.monotonic) -> None:
        self._lab = lab
        self._clock = clock
        self._dark_since: float | None = None

    def look(self, record: PowerRecord | None, *, answers: bool) -> None:
        """When the UPS's host is off: its outlets go off with everything on them; later the mains is back."""
        if answers or record is None:
            return
        own = self._lab.host(record.host)
        if own.is_on:
            return
        if self._dark_since is None:
            self._dark_since = self._clock()
            for step in record.steps:
                fed = self._lab.host(step.host)
                if fed.is_on:
                    fed.kill()
        elif self._clock() - self._dark_since >= AWAY_SECONDS:
            own.boot()
            self._dark_since = None

    def come_back(self, host: str, ups: str) -> bool:
        """Make the simulated UPS say so.  A host that is off, or on its way, is booted by the looks to come."""
        own = self._lab.host(host)
        if own.is_on:
            with suppress(LabError):
                own.run(PYTHON, "-", ups, stdin=ON_MAINS, timeout_seconds=30)
        return True


def lab_mains(stack: ExitStack, name: str, directory: Path | None) -> tuple[LabMains, Path]:
    """Return the mains of the lab ``name`` for the block of ``stack``, and its facility.  Raises RecoveryError."""
    lab = labs.find(name)
    if lab is None:
        raise RecoveryError(f"there is no lab {name} on this machine. Next: ./xinglin up")
    stack.enter_context(StandbyCards(lab))
    return LabMains(lab), directory or lab.facility_directory
