"""Bring the example clinic up: hosts, playbooks, first backup, first proof of it.  `up` and the lab tests use it."""

import json
import time
from dataclasses import dataclass
from typing import Any

from backup.status import BackupRun, Outcome, Verdict, Verification, read_runs, read_verifications
from playbooks.runner import provision
from tests.lab import lab as labs
from tests.lab.errors import LabError
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.progress import say, step

XINGLIN = "/opt/xinglin/venv/bin/xinglin"


@dataclass(frozen=True)
class Arrival:
    """What bringing the clinic up did; all empty when it was up already."""

    lab: Lab
    booted: tuple[str, ...]
    changed_tasks: int
    backed_up: tuple[str, ...]
    proved: tuple[str, ...]

    @property
    def changed_nothing(self) -> bool:
        return not (self.booted or self.changed_tasks or self.backed_up or self.proved)


def bring_up(name: str) -> Arrival:
    """Make every part of the clinic that is missing, in order; raises ``LabError`` where that is impossible."""
    lab = labs.find(name)
    if lab is None:
        with step("make the base trees (Debian 12 and 13) and the clinic's secrets"):
            lab = labs.create(name)
    with step(f"boot {', '.join(host.name for host in lab.hosts)}"):
        booted = lab.boot()
    say("run playbooks/site.yml against them over SSH")
    provisioned = provision(lab.facility_directory)
    if provisioned.status != "successful":
        for statement in provisioned.statements:
            say(str(statement))
        raise LabError("provision", f"ended {provisioned.status}", "read the statements above, then ./xinglin up again")
    backed_up, proved = [], []
    for host in lab.hosts:
        if not (host.root / "etc/xinglin/backup.json").exists():
            continue
        if not any(run.outcome is Outcome.SUCCESS for run in backup_runs(host)):
            with step(f"{host.name}: first backup, local and offsite"):
                host.run("systemctl", "start", "xinglin-backup.service", timeout_seconds=900)
            backed_up.append(host.name)
        if not any(proof.verdict is Verdict.PASSED for proof in proofs(host)):
            with step(f"{host.name}: restore it and compare (the proof)"):
                host.run("systemctl", "start", "xinglin-verify.service", timeout_seconds=900)
            proved.append(host.name)
    with step("wait until the console has seen it all"):
        _await_console(lab)
    return Arrival(lab, tuple(host.name for host in booted), provisioned.changed, tuple(backed_up), tuple(proved))


def _await_console(lab: Lab, timeout_seconds: float = 300) -> None:
    """The console asks the hosts in its own rhythm; a person who looks now must not see less than there is."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        status = console_status(lab)
        # A host with something to say is seen as well: what it says is on the console, not a reason to wait.
        seen = all(host["state"] in {"ok", "warn"} for host in status["hosts"])
        if seen and all(backup["last_success"] and backup["last_verdict"] for backup in status["backups"]):
            return
        time.sleep(2)
    raise LabError("console", f"has not seen every host and backup in {timeout_seconds:.0f} s", "./xinglin status")


def backup_runs(host: Host) -> list[BackupRun]:
    """The host's own records of its backups, newest first."""
    return read_runs(host.root / "var/lib/xinglin/backup/runs")


def proofs(host: Host) -> list[Verification]:
    """The host's own records of its restore tests, newest first."""
    return read_verifications(host.root / "var/lib/xinglin/backup/verifications")


def first_login(lab: Lab) -> str | None:
    """The one-time secret for the console's first account, or None when somebody has an account already."""
    appliance = next(host for host in lab.hosts if host.has_outside)
    answered = appliance.attempt(XINGLIN, "console", "first-login")
    return answered.stdout.strip() if answered.returncode == 0 else None


def console_status(lab: Lab) -> dict[str, Any]:
    """What the console knows, as `xinglin status --json` gives it."""
    appliance = next(host for host in lab.hosts if host.has_outside)
    document: dict[str, Any] = json.loads(appliance.run(XINGLIN, "console", "status", "--json"))
    return document


def host_state(lab: Lab, name: str) -> str:
    """A host's state as the console tells it."""
    return next(str(host["state"]) for host in console_status(lab)["hosts"] if host["name"] == name)
