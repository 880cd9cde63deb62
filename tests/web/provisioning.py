"""Run records of an invented clinic, written by the runner's own code."""

from datetime import datetime, timedelta

from playbooks.record import RunRecord, RunStatus, TaskResult, TaskStatus, timestamp, to_json

TASKS = (
    ("bootstrap", "Create the operator account", "ansible.builtin.user"),
    ("base", "Set the time zone", "community.general.timezone"),
    ("base", "Install the base packages", "ansible.builtin.apt"),
    ("base", "Configure chrony with the appliance as the time source", "ansible.builtin.template"),
    ("pki", "Issue the certificate of this host", "community.crypto.x509_certificate"),
    ("firewall", "Write the firewall's rules", "ansible.builtin.template"),
    ("firewall", "Load the rules, with a way back", "ansible.builtin.command"),
    ("agent", "Install the wheel into /opt/xinglin/venv", "ansible.builtin.pip"),
    ("agent", "Configure the agent", "ansible.builtin.template"),
    ("agent", "Start the agent", "ansible.builtin.systemd_service"),
    ("backup", "Write the backup configuration", "ansible.builtin.template"),
    ("backup", "Enable the nightly timer", "ansible.builtin.systemd_service"),
)
DIFF = """--- before: /etc/chrony/sources.d/xinglin.sources
+++ after: /etc/chrony/sources.d/xinglin.sources
@@ -1 +1 @@
-pool 2.debian.pool.ntp.org iburst
+server 198.18.0.10 iburst prefer
"""


def record(
    start: datetime, hosts: tuple[str, ...], changed: frozenset[str], *, check: bool = False, failed: str | None = None
) -> tuple[str, str]:
    """Return (run id, JSON) of a run in which the tasks of the roles ``changed`` changed something."""
    tasks, at = [], start
    for role, name, action in TASKS:
        for host in hosts:
            status = TaskStatus.CHANGED if role in changed else TaskStatus.OK
            message = None
            if failed == host and role == "agent":
                status = TaskStatus.SKIPPED if name != TASKS[7][1] else TaskStatus.FAILED
                message = "No space left on device: /opt/xinglin/venv" if status is TaskStatus.FAILED else None
            diff = DIFF if status is TaskStatus.CHANGED and "chrony" in name else None
            tasks.append(TaskResult(host, role, name, action, status, 0.42, timestamp(at), diff, message))
            at += timedelta(milliseconds=420)
    run_id = f"{start:%Y%m%dT%H%M%SZ}-site"
    done = RunRecord(
        run_id=run_id,
        playbook="site.yml",
        check=check,
        limit=None,
        tags=(),
        operator="lihua",
        started_at=timestamp(start),
        finished_at=timestamp(at),
        status=RunStatus.FAILED if failed else RunStatus.SUCCESSFUL,
        tasks=tuple(tasks),
    )
    return run_id, to_json(done)
