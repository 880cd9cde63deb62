"""Security auditing is on and covers everybody (7.1.4.3.a, 8.1.4.3.a)."""

import json
from datetime import UTC, datetime

from compliance.checks.model import Check, Step
from compliance.checks.parse import is_active, keywords, listing, number, units
from compliance.facts import Facts
from compliance.results import Outcome, failed, partly, passed, text
from compliance.thresholds import limit

# What important acts are, and the words one of which shows that a rule watches them.
WATCHED = {
    "passwd": ("/etc/passwd", "dir=/etc "),
    "shadow": ("/etc/shadow", "dir=/etc "),
    "sudoers": ("/etc/sudoers", "dir=/etc "),
    "sshd_config": ("/etc/ssh", "dir=/etc "),
    "time": ("adjtimex", "clock_settime", "settimeofday"),
    "logins": ("/var/log/lastlog", "/var/log/wtmp", "/var/log/btmp", "/run/utmp", "/var/run/utmp", "faillog"),
    "execve": ("execve",),
}
SYSLOG = ("rsyslog.service", "syslog-ng.service")


def audit_daemon(facts: Facts) -> Outcome:
    """L28: auditd runs, the kernel audits, no record was lost."""
    if not facts.installed("auditd"):
        return failed(
            text("The audit daemon (auditd) is not installed."),
            text("Install it: apt install auditd; then load rules for accounts, sudo, SSH, time and logins."),
        )
    if not is_active(units(facts.output("services")), ("auditd.service",)):
        return failed(
            text("The audit daemon (auditd) is installed but does not run."),
            text("Start it and see why it stopped: systemctl enable --now auditd; journalctl -u auditd"),
        )
    status = keywords(facts.output("audit_status"))
    enabled, lost = number(status.get("enabled"), 0), number(status.get("lost"), 0)
    if enabled < 1:
        return failed(text("auditd runs, but the kernel's auditing is switched off."), text("Run: auditctl -e 1"))
    if lost:
        return partly(
            text("auditd runs, but {lost} records were lost since boot.", lost=lost),
            text("Raise the backlog (auditctl -b 8192) and look for the cause in: auditctl -s"),
        )
    return passed(text("auditd runs, auditing is on (enabled {enabled}), no record lost.", enabled=enabled))


def audit_rules(facts: Facts) -> Outcome:
    """L29: rules for the important files, the time, logins and commands (the work guide doesn't force them)."""
    advice = text("Load audit rules for what is missing (files in /etc/audit/rules.d, then augenrules --load).")
    if not facts.installed("auditd") or not is_active(units(facts.output("services")), ("auditd.service",)):
        return failed(text("No audit rule is at work, as auditd doesn't run."), advice)
    rules = facts.output("audit_rules")
    missing = [name for name, words in WATCHED.items() if not any(word in f"{rules} " for word in words)]
    if missing:
        return partly(
            text(
                "Audit rules cover {count} of {total} kinds of important acts; missing: {names}",
                count=len(WATCHED) - len(missing),
                total=len(WATCHED),
                names=listing(missing),
            ),
            advice,
        )
    return passed(text("Audit rules cover all {total} kinds of important acts.", total=len(WATCHED)))


def persistent_log(facts: Facts) -> Outcome:
    """L30: the system log is kept over a reboot and is alive."""
    on_disk = facts.output("journal_files", (0, 1)).strip()
    syslog = is_active(units(facts.output("services")), SYSLOG)
    if not on_disk and not syslog:
        return failed(
            text("The system log lives in memory only: a reboot wipes it."),
            text("Keep the journal: set Storage=persistent in /etc/systemd/journald.conf, restart systemd-journald."),
        )
    newest = facts.output("journal_newest").strip()
    if not newest:
        return failed(
            text("The journal has no record at all."),
            text("See why nothing is logged: systemctl status systemd-journald; journalctl --verify"),
        )
    written = datetime.fromtimestamp(int(json.loads(newest)["__REALTIME_TIMESTAMP"]) / 1e6, tz=UTC)
    hours = round((facts.gathered("journal_newest") - written).total_seconds() / 3600, 1)
    wanted = limit("login_event_hours")
    if hours > wanted:
        return partly(
            text(
                "The newest log record was {hours} hours old when read (wanted ≤ {limit}).", hours=hours, limit=wanted
            ),
            text("See why logging stands still: systemctl status systemd-journald; df /var/log"),
        )
    return passed(
        text(
            "The system log is kept on disk; its newest record was {hours} hours old when read (wanted ≤ {limit}).",
            hours=max(hours, 0.0),
            limit=wanted,
        )
    )


CHECK = Check(
    id="audit",
    requirements={2: "7.1.4.3.a", 3: "8.1.4.3.a"},
    meaning=text(
        "After an incident nobody can tell who did what: neither the clinic nor the police can clear it up, and the "
        "Network Security Law's duty to monitor and record is not met."
    ),
    steps=(
        Step("audit_daemon", ("L28",), ("packages", "services", "audit_status"), audit_daemon),
        Step("audit_rules", ("L29",), ("packages", "services", "audit_rules"), audit_rules),
        Step("persistent_log", ("L30",), ("journal_files", "journal_newest", "services"), persistent_log),
    ),
)
