"""What each problem says to people: title, meaning for the clinic, next step.

The English texts are message ids; ``locale/zh_CN/LC_MESSAGES/console.po`` translates every one.  ``{object}`` and
``{host}`` are always there, the other placeholders come from the rule.
"""

from console.explanation import explanation
from console.repository_texts import REPOSITORY_PROBLEMS

HOSTS = {
    "host_down": explanation(
        "{host} does not report",
        "Nothing is known of {host} since {last_seen}. What runs there may be down.",
        "Check the power and the network of {host}; then on {host}: systemctl status xinglin-agent",
    ),
    "host_late": explanation(
        "{host} reports late",
        "An expected report of {host} is missing; the last one came at {last_seen}. It may be a short interruption.",
        "Wait two minutes. If it stays late, check the network path to {host}.",
    ),
    "host_unknown": explanation(
        "{host} has never reported",
        "The console does not know whether {host} works.",
        "Set it up: xinglin provision --limit {host}",
    ),
    "disk_nearly_full": explanation(
        "The disk {object} is nearly full",
        "{used} of {object} on {host} are used; {available} are left. When it is full, programs stop and data is lost.",
        "On {host}, find what grows: du -xh --max-depth=2 {object} | sort -h | tail. Free space or enlarge the disk.",
    ),
    "disk_read_only": explanation(
        "The disk {object} can only be read",
        "{object} on {host} was switched to read-only, usually after a disk error. Nothing new can be stored there.",
        "On {host}, read the kernel's messages (dmesg), check the disk's health, and have a fresh backup at hand.",
    ),
    "unit_failed": explanation(
        "The service {object} has failed",
        "{object} on {host} does not run. What depends on it does not work.",
        "On {host}: systemctl status {object}; journalctl -u {object} -n 50. Correct the cause, then: "
        "systemctl restart {object}",
    ),
    "clock_off": explanation(
        "The clock of {host} is wrong",
        "The clock of {host} is off by {offset} s. Records, logs and certificates get wrong times.",
        "On {host}: chronyc tracking; chronyc sources. Check that the appliance can be reached as the time source.",
    ),
    "clock_unsynchronised": explanation(
        "The clock of {host} is not synchronised",
        "No time source keeps the clock of {host}; it will drift, and the times of its records cannot be trusted.",
        "On {host}: systemctl status chrony; chronyc sources. Check that the appliance can be reached as the "
        "time source.",
    ),
    "certificate_expiring": explanation(
        "A certificate of {host} ends soon",
        "The certificate {object} on {host} ends at {ends}. After that, this host's connections are refused.",
        "Renew the certificates: xinglin provision --tags pki",
    ),
    "certificate_ended": explanation(
        "A certificate of {host} has expired",
        "The certificate {object} on {host} ended at {ends}. Connections that need it are refused.",
        "Compare the clocks, then renew the certificates: xinglin provision --tags pki",
    ),
    "collector_failed": explanation(
        "The agent cannot measure {object}",
        "The agent on {host} has no current values of {object}; what they would show is not watched.",
        "On {host}: journalctl -u xinglin-agent -n 50",
    ),
    "facts_unreadable": explanation(
        "The facts of {host} cannot be read",
        "{host} reports, but its facts and backup records do not arrive ({detail}). Backups and compliance of this "
        "host are judged by what came before.",
        "On {host}: systemctl status xinglin-facts.timer; journalctl -u xinglin-agent -n 50",
    ),
}

# Why an agent cannot be read: console.worker.fetch.ErrorCode → texts that replace those of host_down.
REACH = {
    "refused": explanation(
        "The agent of {host} does not run",
        "{host} answers, but its agent does not listen on {address}. Nothing is known of it since {last_seen}.",
        "On {host}: systemctl status xinglin-agent; journalctl -u xinglin-agent -n 50",
    ),
    "timed_out": explanation(
        "{host} does not answer",
        "{host} ({address}) gave no answer in time. Nothing is known of it since {last_seen}. It may be switched off.",
        "Check the power and the network of {host}, and the firewall between it and the appliance.",
    ),
    "unreachable": explanation(
        "There is no way to {host}",
        "The network has no way to {host} ({address}): {detail}. Nothing is known of it since {last_seen}.",
        "Check the switch, the cable and the routes between the appliance and {host}.",
    ),
    "disconnected": explanation(
        "{host} drops the connection",
        "The agent of {host} ended the connection without an answer ({detail}). Nothing is known since {last_seen}.",
        "On {host}: journalctl -u xinglin-agent -n 50. Check the firewall between it and the appliance.",
    ),
    "certificate_expired": explanation(
        "The certificate of {host} has expired",
        "The console refuses the expired certificate of {host}. Nothing is known of it since {last_seen}.",
        "Compare the clocks, then renew the certificates: xinglin provision --tags pki --limit {host}",
    ),
    "certificate_not_yet_valid": explanation(
        "The certificate of {host} is not valid yet",
        "The certificate of {host} begins in the future: a clock is wrong. Nothing is known of it since {last_seen}.",
        "Compare the clocks of {host} and the appliance: timedatectl; chronyc tracking",
    ),
    "certificate_untrusted": explanation(
        "The certificate of {host} is not trusted",
        "What answers at {address} has a certificate of a foreign authority ({detail}). It may be another machine.",
        "Find out which machine answers at {address}. If it is {host}: xinglin provision --tags pki --limit {host}",
    ),
    "name_mismatch": explanation(
        "Another machine answers for {host}",
        "The certificate at {address} is for another name ({detail}). Two hosts may have the same address.",
        "Compare the address of {host} in the inventory with the machine's own; then: xinglin provision --limit {host}",
    ),
    "console_refused": explanation(
        "{host} refuses the console",
        "The agent of {host} does not accept this console's certificate ({detail}). Nothing is known since "
        "{last_seen}.",
        "Renew the certificates of both: xinglin provision --tags pki,agent,console",
    ),
    "bad_tls": explanation(
        "{host} does not speak TLS properly",
        "The connection to {address} could not be secured ({detail}). Something else may listen on this port.",
        "On {host}: ss -ltnp; systemctl status xinglin-agent",
    ),
    "bad_answer": explanation(
        "The agent of {host} answers nonsense",
        "The answer of the agent could not be read ({detail}). Nothing is known of {host} since {last_seen}.",
        "Install the same version on both: xinglin provision --tags agent,console",
    ),
}

BACKUPS = {
    "backup_overdue": explanation(
        "The backup of {object} is overdue",
        "The last good backup is from {last_success}; the target is one every {rpo_hours} h. If {host} failed now, all "
        "work since then would be lost.",
        "On {host}: systemctl status xinglin-backup.timer; then run: xinglin backup run",
    ),
    "backup_never": explanation(
        "{object} has never been backed up",
        "There is no backup of {object}. If {host} failed now, its data would be lost.",
        "On {host}: xinglin backup run",
    ),
    "restore_overdue": explanation(
        "The backup of {object} in the {repository} is not proved",
        "The last restore from there that succeeded was at {last_passed}; there should be one {often}. Whether the "
        "newest backups can be restored from the {repository} is not known.",
        "On {host}: xinglin backup verify --repository {name}",
    ),
    "restore_never": explanation(
        "The backup of {object} in the {repository} has never been restored",
        "Backups are in the {repository}, but no restore from there has proved that they can be used.",
        "On {host}: xinglin backup verify --repository {name}",
    ),
    "restore_differs": explanation(
        "The data of {object} restored from the {repository} is not what it should be",
        "The restore test from the {repository} at {finished} failed. This backup must not be relied on.",
        "Run a new backup and verify it at once. On {host}: xinglin backup run; "
        "xinglin backup verify --repository {name}",
    ),
    "restore_unknown": explanation(
        "The restore test of {object} from the {repository} gave no answer",
        "The restore test at {finished} could not be done. The backup is neither proved nor disproved.",
        "On {host}: journalctl -u xinglin-verify -n 50; then run: xinglin backup verify --repository {name}",
    ),
    "restore_slow": explanation(
        "Restoring {object} takes longer than allowed",
        "The restore test took {rto_hours} h; the target is {target_hours} h. After a loss the clinic would wait "
        "longer than it has accepted.",
        "Look where the time goes on the page of this restore test; or correct rto_hours in the facility.",
    ),
    "backup_failed": explanation(
        "The backup of {object} failed",
        "The run at {started} failed without giving a cause.",
        "On {host}: journalctl -u xinglin-backup -n 50; then run: xinglin backup run",
    ),
}

PLATFORM = {
    "worker_silent": explanation(
        "The console gets no new data",
        "The console's worker has been silent since {last_beat}. Everything on this page may be out of date.",
        "On the appliance: systemctl status xinglin-worker; journalctl -u xinglin-worker -n 50",
    ),
    "worker_never": explanation(
        "The console's worker has never run",
        "No host is watched yet.",
        "On the appliance: systemctl start xinglin-worker; journalctl -u xinglin-worker -n 50",
    ),
    "job_failed": explanation(
        "The console's job {object} fails",
        "The job {object} failed: {detail}",
        "On the appliance: journalctl -u xinglin-worker -n 100. It runs again by itself at its next time.",
    ),
    "provision_failed": explanation(
        "The last provisioning run failed",
        "The run of {object} at {started} ended as: {status} (failed or unreachable: {hosts}). These hosts may be set "
        "up in part.",
        "Read the failed task on the page of this run, correct its cause, and run it again.",
    ),
    "high_risk": explanation(
        "{host} has high-risk findings",
        "{count} requirements of graded protection show a case of the high-risk guideline on {host}: {requirements}. "
        "An assessor would not pass the system with them.",
        "Open the compliance page of {host} and follow the first step of each finding.",
    ),
}

PROBLEMS = {**HOSTS, **BACKUPS, **REPOSITORY_PROBLEMS, **PLATFORM}
