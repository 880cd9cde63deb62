"""Known vulnerabilities are found and mended (7.1.4.4.e, 8.1.4.4.e)."""

import re
from datetime import UTC, datetime

from compliance.checks.model import Check, Step
from compliance.checks.parse import listing
from compliance.facts import Facts, Untested
from compliance.results import Outcome, failed, not_applicable, partly, passed, text
from compliance.thresholds import limit

DAY_SECONDS = 86400
_PENDING = re.compile(r"^Inst (\S+) .*?\(\S+ ([^)\[]*)")
_IMAGE = re.compile(r"^linux-image-(\d.*)$")
CONTAINERS = frozenset(
    {"systemd-nspawn", "docker", "podman", "lxc", "lxc-libvirt", "openvz", "rkt", "wsl", "proot", "container-other"}
)


def security_updates(facts: Facts) -> Outcome:
    """L43: no security update waits; how long one waits is bounded by the last change of any package."""
    if "InRelease" not in facts.output("package_lists", (0, 1)):
        raise Untested(
            text("This host has no package lists, so it can't know which updates are missing."),
            text("Fetch them from the mirror or the appliance's cache: apt-get update"),
        )
    pending = [
        match.groups() for line in facts.output("pending_updates").splitlines() if (match := _PENDING.match(line))
    ]
    security = sorted(name for name, origin in pending if "security" in origin.lower())
    if not security:
        return passed(
            text("No security update waits ({count} other updates do).", count=len(pending)),
        )
    days = _age_days(facts, facts.output("package_change").split()[0])
    wanted = limit("security_update_days")
    statement = text(
        "{count} security updates wait; packages last changed {days} days ago (wanted ≤ {limit}): {names}",
        count=len(security),
        days=days,
        limit=wanted,
        names=listing(security),
    )
    advice = text("Test the updates on one host, then install them: apt-get upgrade; note the test and the date.")
    return partly(statement, advice) if days <= wanted else failed(statement, advice)


def list_age(facts: Facts) -> Outcome:
    """L44: the package lists are fresh enough to tell what is missing."""
    rows = [line.split(None, 1) for line in facts.output("package_lists", (0, 1)).splitlines()]
    fetched = [row[0] for row in rows if row[1].endswith(("/lists/partial", "/update-success-stamp"))]
    if not any("InRelease" in row[1] for row in rows) or not fetched:
        return failed(
            text("Package lists were never fetched."),
            text("Fetch them from the mirror or the appliance's cache: apt-get update"),
        )
    days = min(_age_days(facts, stamp) for stamp in fetched)
    wanted, late = limit("package_list_days"), limit("security_update_days")
    statement = text("Package lists were fetched {days} days ago (wanted ≤ {limit}).", days=days, limit=wanted)
    if days <= wanted:
        return passed(statement)
    advice = text("Fetch them: apt-get update; on a closed network import the mirror and note the date.")
    return partly(statement, advice) if days <= late else failed(statement, advice)


def running_kernel(facts: Facts) -> Outcome:
    """L45: the kernel that runs is the newest one installed."""
    kind = facts.output("virtualization", (0, 1)).strip()
    if kind in CONTAINERS:
        return not_applicable(text("A container ({kind}) has no kernel of its own.", kind=kind))
    running = facts.output("kernel").strip()
    images = [match.group(1) for name in facts.packages() if (match := _IMAGE.match(name))]
    if running not in images:
        raise Untested(
            text("The running kernel {kernel} is not from a Debian package of this host.", kernel=running),
            text("Find out where it comes from and who updates it; judge this item by hand."),
        )
    newest = max(images, key=_version_key)
    if newest != running:
        return failed(
            text("Kernel {kernel} runs, though {newest} is installed.", kernel=running, newest=newest),
            text("Restart this host in a maintenance window, after telling the departments that use it."),
        )
    return passed(text("The newest installed kernel runs: {kernel}.", kernel=running))


def _age_days(facts: Facts, stamp: str) -> float:
    return round((facts.now - datetime.fromtimestamp(float(stamp), tz=UTC)).total_seconds() / DAY_SECONDS, 1)


def _version_key(version: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|[a-z]+", version)]


CHECK = Check(
    id="patches",
    requirements={2: "7.1.4.4.e", 3: "8.1.4.4.e"},
    meaning=text(
        "Published holes stay open: most break-ins and most ransomware use faults for which a fix already exists."
    ),
    steps=(
        Step("security_updates", ("L43",), ("package_lists", "pending_updates", "package_change"), security_updates),
        Step("list_age", ("L44",), ("package_lists",), list_age),
        Step("running_kernel", ("L45",), ("virtualization", "kernel", "packages"), running_kernel),
    ),
)
