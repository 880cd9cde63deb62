"""Bring the example clinic up: hosts, playbooks, first backup, first proof of it.  `up` and the lab tests use it."""

import json
from dataclasses import dataclass

from playbooks.runner import Outcome, provision
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
    outcome = provision(lab.facility_directory)
    _refuse_failure(outcome)
    backed_up, proved = [], []
    for host in lab.hosts:
        if not _has_backup(host):
            continue
        state = backup_state(host)
        if not state["runs"] or state["runs"][0]["outcome"] != "success":
            with step(f"{host.name}: first backup, local and offsite"):
                host.run("systemctl", "start", "xinglin-backup.service", timeout_seconds=900)
            backed_up.append(host.name)
        if backed_up[-1:] == [host.name] or not state["verifications"]:
            with step(f"{host.name}: restore it and compare (proof)"):
                host.run("systemctl", "start", "xinglin-verify.service", timeout_seconds=900)
            proved.append(host.name)
    return Arrival(lab, tuple(host.name for host in booted), outcome.changed, tuple(backed_up), tuple(proved))


def _has_backup(host: Host) -> bool:
    return (host.root / "etc/xinglin/backup.json").exists()


def backup_state(host: Host) -> dict[str, list[dict[str, str]]]:
    """The host's own account of its backups: ``runs`` and ``verifications``, newest first."""
    state: dict[str, list[dict[str, str]]] = json.loads(host.run(XINGLIN, "backup", "status", "--json"))
    return state


def first_login(lab: Lab) -> str | None:
    """The one-time secret for the console's first account, or None when somebody has an account already."""
    appliance = next(host for host in lab.hosts if host.has_outside)
    answer = json.loads(appliance.run(*console_argv("first-login", "--json")))
    secret: str | None = answer["secret"]
    return secret


def console_argv(*arguments: str) -> tuple[str, ...]:
    """A console command as the console's own user."""
    return ("runuser", "-u", "xinglin-console", "--", XINGLIN, "console", *arguments)


def _refuse_failure(outcome: Outcome) -> None:
    if outcome.status != "successful":
        raise LabError("provision", f"ended {outcome.status}", "read the messages above, then ./xinglin up again")
