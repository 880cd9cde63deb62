"""Audit records are protected, kept long enough and copied elsewhere (7.1.4.3.c, 8.1.4.3.c)."""

import re
from datetime import UTC, datetime

from compliance.checks.model import Check, Step
from compliance.checks.parse import assignments, is_active, listing, units
from compliance.facts import Facts
from compliance.results import Outcome, failed, not_applicable, partly, passed, text
from compliance.thresholds import limit

WRITABLE_BY_OTHERS = 0o002
BEYOND_640 = 0o137
PROVABLE_DAYS = 7
DAY = 86400
GIB = 1024**3
SIZES = {"": 1, "K": 1024, "M": 1024**2, "G": GIB, "T": 1024**4}
PERIOD_DAYS = {"daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}
SPAN_SECONDS = {
    "": 1,
    "s": 1,
    "sec": 1,
    "min": 60,
    "m": 60,
    "h": 3600,
    "day": DAY,
    "d": DAY,
    "days": DAY,
    "week": 7 * DAY,
    "weeks": 7 * DAY,
    "w": 7 * DAY,
    "month": 2629800,
    "year": 31557600,
}
_FORWARDING = re.compile(r"\s@{1,2}\(?[\w.\[]|omfwd|omrelp|^URL=\S")
_ARCHIVED = re.compile(r"-[0-9a-f]{16}-([0-9a-f]{16})\.journal~?$")
_HEAD = re.compile(r"^Head realtime timestamp: .*\(([0-9a-f]+)\)$", re.MULTILINE)


def log_modes(facts: Facts) -> Outcome:
    """L33: no log file is writable by everybody; none is looser than 640."""
    rows = [line.split(None, 3) for line in facts.output("log_files", (0, 1)).splitlines()]
    files = {row[3]: int(row[0], 8) for row in rows if len(row) == 4}
    open_files = [path for path, mode in files.items() if mode & WRITABLE_BY_OTHERS]
    if open_files:
        return failed(
            text(
                "{count} log files can be changed by anybody: {names}", count=len(open_files), names=listing(open_files)
            ),
            text("Take the right away: chmod o-w {name}; find out which program made it so.", name=open_files[0]),
        )
    loose = [path for path, mode in files.items() if mode & BEYOND_640]
    if loose:
        return partly(
            text(
                "{count} of {total} log files are looser than 640: {names}",
                count=len(loose),
                total=len(files),
                names=listing(loose),
            ),
            text("Set them to 640 or stricter, and the mode in logrotate's “create” lines too."),
        )
    return passed(text("All {total} log files are 640 or stricter.", total=len(files)))


def log_copy(facts: Facts) -> Outcome:
    """L34: records leave the host, so that whoever owns it can't wipe them."""
    lines = [line for _, line in facts.lines("log_forwarding") if _FORWARDING.search(line)]
    states = units(facts.output("services"))
    if is_active(states, ("systemd-journal-upload.service",)) or (
        lines and is_active(states, ("rsyslog.service", "syslog-ng.service"))
    ):
        return passed(text("Log records are sent to another machine ({count} rules).", count=max(len(lines), 1)))
    return failed(
        text("Log records stay on this host only: whoever takes it over can wipe them."),
        text("Send them to the appliance or a log host (rsyslog over TLS), and check that they arrive."),
    )


def log_retention(facts: Facts) -> Outcome:
    """L35, L36: the records of 184 days (six months, Network Security Law) are there or will fit."""
    wanted = limit("log_retention_days")
    if is_active(units(facts.output("services")), ("rsyslog.service",)):
        rotated = _rotation_days(facts.lines("logrotate"))
        if rotated >= wanted:
            return passed(
                text("logrotate keeps the system log for {days} days (wanted ≥ {limit}).", days=rotated, limit=wanted)
            )
    advice = text(
        "Keep at least 184 days: in journald.conf leave MaxRetentionSec out and raise SystemMaxUse, or set "
        "“weekly, rotate 27” for rsyslog's files."
    )
    files = [line.rsplit(None, 1) for line in facts.output("journal_files", (0, 1)).splitlines()]
    if not files:
        return failed(text("No journal is kept on disk, so records don't last {limit} days.", limit=wanted), advice)
    heads = _HEAD.findall(facts.output("journal_active")) + [
        match.group(1) for path, _ in files if (match := _ARCHIVED.search(path))
    ]
    oldest = datetime.fromtimestamp(min(int(head, 16) for head in heads) / 1e6, tz=UTC)
    size = sum(int(row[1]) for row in files)
    days = round((facts.gathered("journal_files") - oldest).total_seconds() / DAY, 1)
    if days >= wanted:
        return passed(text("The journal reaches back {days} days (wanted ≥ {limit}).", days=days, limit=wanted))
    settings = assignments(line for line in facts.output("journald_config").splitlines() if "=" in line)
    longest = _seconds(settings.get("maxretentionsec", "")) // DAY
    if 0 < longest < wanted:
        return failed(
            text("journald deletes records after {days} days (wanted ≥ {limit}).", days=longest, limit=wanted), advice
        )
    room = _journal_room(settings.get("systemmaxuse", ""), facts.output("log_space"))
    if days < PROVABLE_DAYS:
        return partly(
            text(
                "The journal reaches back {days} days only; whether {limit} days fit shows after {provable} days.",
                days=days,
                limit=wanted,
                provable=PROVABLE_DAYS,
            ),
            text("Nothing to do yet: judge again in a week."),
        )
    fits = round(room / (size / days))
    statement = text(
        "The journal reaches back {days} days; at its pace its {room} MiB hold {fits} days (wanted ≥ {limit}).",
        days=days,
        room=room // SIZES["M"],
        fits=fits,
        limit=wanted,
    )
    return passed(statement) if fits >= wanted else failed(statement, advice)


def audit_when_full(facts: Facts) -> Outcome:
    """L36: auditd never ignores that its log or its disk is full."""
    if not facts.installed("auditd"):
        return not_applicable(text("The audit daemon (auditd) is not installed, so it has no log that could fill up."))
    settings = assignments(line for _, line in facts.lines("auditd_config"))
    keys = ("max_log_file_action", "space_left_action", "disk_full_action")
    ignored = [key for key in keys if settings.get(key, "").lower() == "ignore"]
    if ignored:
        return failed(
            text("auditd ignores that its log is full: {names}", names=listing(ignored)),
            text("Set max_log_file_action = ROTATE or KEEP_LOGS and the others to SYSLOG in /etc/audit/auditd.conf."),
        )
    return passed(text("auditd acts when its log or disk is full ({count} settings).", count=len(keys)))


def _rotation_days(lines: list[tuple[str, str]]) -> int:
    """Return for how many days logrotate keeps rsyslog's files."""
    rotate = period = 0
    for path, line in lines:
        words = line.split()
        if path not in ("/etc/logrotate.conf", "/etc/logrotate.d/rsyslog") or not words:
            continue
        if words[0] == "rotate" and len(words) > 1 and words[1].isdigit():
            rotate = int(words[1])
        period = PERIOD_DAYS.get(words[0], period)
    return rotate * period


def _journal_room(maximum: str, space: str) -> int:
    """Return the bytes that journald may use: SystemMaxUse, else a tenth of the file system, at most 4 GiB."""
    match = re.fullmatch(r"(\d+)([KMGT]?)", maximum)
    if match:
        return int(match.group(1)) * SIZES[match.group(2)]
    return min(int(space.splitlines()[1].split()[0]) // 10, 4 * GIB)


def _seconds(span: str) -> int:
    """Return the seconds of a systemd time span; 0 when there is none."""
    parts = re.findall(r"(\d+)\s*([a-z]*)", span)
    return sum(int(count) * SPAN_SECONDS.get(unit, 0) for count, unit in parts)


CHECK = Check(
    id="audit_records",
    requirements={2: "7.1.4.3.c", 3: "8.1.4.3.c"},
    meaning=text(
        "Records of an attack can be wiped or are gone before anybody looks: the law wants network logs kept for at "
        "least six months."
    ),
    steps=(
        Step("log_modes", ("L33",), ("log_files",), log_modes),
        Step("log_copy", ("L34",), ("log_forwarding", "services"), log_copy),
        Step(
            "log_retention",
            ("L35", "L36"),
            ("services", "logrotate", "journal_files", "journal_active", "journald_config", "log_space"),
            log_retention,
        ),
        Step("audit_when_full", ("L36",), ("packages", "auditd_config"), audit_when_full),
    ),
)
