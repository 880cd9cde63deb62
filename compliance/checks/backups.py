"""Local backup and restore of important data (7.1.4.8.a, 8.1.4.9.a)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from compliance.checks.model import Check, Step
from compliance.checks.parse import listing
from compliance.facts import Facts, Untested, moment
from compliance.results import Outcome, Verdict, failed, merge, partly, passed, text
from compliance.thresholds import limit

CASE = "6.4.6.1"
HOUR, DAY = 3600, 86400
GRACE_HOURS = 2  # a daily backup may end two hours later than yesterday's: 26 h
ENOUGH_FOR_A_MEDIAN = 3
DATA_PACKAGES = ("postgresql", "mariadb-server", "mysql-server", "orthanc", "default-mysql-server")
DONE = ("success", "warning")  # a warning's local backup is good, something else is not


@dataclass(frozen=True)
class Status:
    """What probe ``backup_status`` printed."""

    policies: Mapping[str, Mapping[str, Any]]
    runs: tuple[Mapping[str, Any], ...]
    verifications: tuple[Mapping[str, Any], ...]


def _status(facts: Facts) -> Status | Outcome:
    """Return the status, or the outcome for a host that nothing backs up."""
    document = json.loads(facts.output("backup_status"))
    policies = {policy["name"]: policy for policy in document["policies"]}
    for run in document["runs"]:
        policies.setdefault(run["policy"], {})
    if document["unreadable"] and not policies:
        raise Untested(
            text("The backup status can't be read: {names}", names=listing(document["unreadable"])),
            text("Look at these files on the host, then run: xinglin backup status"),
        )
    if policies:
        return Status(policies, tuple(document["runs"]), tuple(document["verifications"]))
    databases = sorted(name for name in facts.packages() if name.startswith(DATA_PACKAGES) and _is_server(name))
    advice = text("Name this host in a backup policy of the facility, or record that it holds no important data.")
    if databases:
        return failed(
            text("A database is installed, but no backup is set up: {names}", names=listing(databases)),
            advice,
            high_risk=CASE,
        )
    raise Untested(text("No backup policy names this host; whether it holds important data is not known."), advice)


def last_run(facts: Facts) -> Outcome:
    """L57: every policy ran in time, and its size is like the others'."""
    status = _status(facts)
    if isinstance(status, Outcome):
        return status
    verdicts, late, odd = [], [], []
    ages = []
    for name, policy in status.policies.items():
        done = [run for run in status.runs if run["policy"] == name and run["outcome"] in DONE and run["finished_at"]]
        hours = round(_seconds_since(facts, done[0]["started_at"]) / HOUR, 1) if done else None
        ages += [] if hours is None else [hours]
        if hours is None or hours > _hours_allowed(policy):
            late.append(f"{name} ({'-' if hours is None else hours} h)")
            verdicts.append(Verdict.NONCOMPLIANT)
        elif done[0]["outcome"] == "warning" or _odd_size(done):
            odd.append(f"{name} ({done[0]['outcome']})")
            verdicts.append(Verdict.PARTIAL)
        else:
            verdicts.append(Verdict.COMPLIANT)
    numbers = {"count": len(verdicts), "oldest": max(ages, default=0.0), "limit": limit("backup_hours")}
    if late:
        statement = text(
            "Backups are late (last good run older than allowed, for a daily one {limit} h): {names}",
            names=listing(late),
            **numbers,
        )
        advice = text("See the cause and run it now: xinglin backup status; xinglin backup run")
        nothing_at_all = text("No backup of this host has ever succeeded: {names}", names=listing(late))
        if not ages:
            return failed(nothing_at_all, advice, high_risk=CASE)
        return Outcome(merge(verdicts), statement, advice)
    if odd:
        return partly(
            text("Backups ran in time, but with a warning or an unusual size: {names}", names=listing(odd), **numbers),
            text("Read the run's steps (xinglin backup status) and compare the size with what changed in the data."),
        )
    return passed(text("All {count} backups ran in time; the oldest is {oldest} h old.", **numbers))


def repository_check(facts: Facts) -> Outcome:
    """L58: the repository itself was checked without error."""
    status = _status(facts)
    if isinstance(status, Outcome):
        return status
    # Runs come newest first, so the first check is the newest one.
    checks = [step for run in status.runs for step in run["steps"] if step["name"] == "check" and step["finished_at"]]
    wanted = limit("backup_check_days")
    advice = text("Check it now: xinglin backup run; if it finds damage, keep the copy and call ops.")
    if not checks:
        return failed(text("The backup repository was never checked for damage."), advice)
    if checks[0]["outcome"] != "success":
        return failed(
            text(
                "The newest check of the backup repository did not succeed ({outcome}).", outcome=checks[0]["outcome"]
            ),
            advice,
        )
    days = round(_seconds_since(facts, checks[0]["finished_at"]) / DAY, 1)
    statement = text(
        "The repository was checked without error {days} days ago (wanted ≤ {limit}).", days=days, limit=wanted
    )
    return passed(statement) if days <= wanted else failed(statement, advice)


def restore_test(facts: Facts) -> Outcome:
    """L59: every policy's newest verification restored the data, and within the target time."""
    status = _status(facts)
    if isinstance(status, Outcome):
        return status
    wanted = limit("restore_test_days")
    bad, slow, verdicts = [], [], []
    measured = 0.0
    for name, policy in status.policies.items():
        decided = [v for v in status.verifications if v["policy"] == name and v["verdict"] != "skipped"]
        newest = decided[0] if decided else None
        days = _seconds_since(facts, newest["started_at"]) / DAY if newest else 0.0
        if newest is None or newest["verdict"] != "passed" or days > wanted:
            bad.append(f"{name} ({newest['verdict'] if newest else '-'}, {round(days, 1)} d)")
            verdicts.append(Verdict.NONCOMPLIANT)
            continue
        seconds = float(newest["rto_seconds"] or 0)
        measured = max(measured, seconds)
        too_slow = bool(policy.get("rto_hours")) and seconds > float(policy["rto_hours"]) * HOUR
        slow += [f"{name} ({round(seconds / HOUR, 1)} h)"] if too_slow else []
        verdicts.append(Verdict.PARTIAL if too_slow else Verdict.COMPLIANT)
    if bad:
        return Outcome(
            merge(verdicts),
            text("No proved restore in the last {limit} days: {names}", limit=wanted, names=listing(bad)),
            text("Restore and compare now: xinglin backup verify; a failed one shows which assertion differed."),
        )
    if slow:
        return partly(
            text("Restores are proved but slower than the target: {names}", names=listing(slow)),
            text("Find the slow phase in the verification, or agree on a longer recovery time with the departments."),
        )
    return passed(
        text("All {count} restores are proved; the slowest took {seconds} s.", count=len(verdicts), seconds=measured)
    )


def _hours_allowed(policy: Mapping[str, Any]) -> float:
    return float(policy["rpo_hours"]) + GRACE_HOURS if policy.get("rpo_hours") else limit("backup_hours")


def _odd_size(done: Iterable[Mapping[str, Any]]) -> bool:
    sizes = [float(run["bytes_processed"] or 0) for run in done]
    if len(sizes) <= ENOUGH_FOR_A_MEDIAN:
        return False
    usual = median(sizes[1:])
    return abs(sizes[0] - usual) * 100 > limit("backup_size_change_percent") * usual


def _seconds_since(facts: Facts, stamp: str) -> float:
    return (facts.now - moment(stamp)).total_seconds()


def _is_server(package: str) -> bool:
    return not package.startswith(("postgresql-client", "postgresql-common")) and not package.endswith("-client")


CHECK = Check(
    id="local_backup",
    requirements={2: "7.1.4.8.a", 3: "8.1.4.9.a"},
    meaning=text(
        "If a disk dies or ransomware strikes, the clinic loses patient records for good, or stands still for longer "
        "than it can bear."
    ),
    steps=(
        Step("last_run", ("L57",), ("backup_status", "packages"), last_run),
        Step("repository_check", ("L58",), ("backup_status", "packages"), repository_check),
        Step("restore_test", ("L59",), ("backup_status", "packages"), restore_test),
    ),
)
