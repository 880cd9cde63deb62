"""Backup runs, restore tests and restores of an invented clinic, as the agents report them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backup.point_in_time.store import WalState
from backup.status import (
    Assertion,
    BackupRun,
    Cause,
    Outcome,
    Purpose,
    RestoreRecord,
    Step,
    Trigger,
    Verdict,
    Verification,
    to_json,
)
from console.config import Policy

MIB = 1024**2
GIB = 1024**3
RUNNING = "pacs"
"""The policy of which a run by hand is under way."""
READ = {"his": 1840 * MIB, "pacs": 412 * GIB}
ADDED = {"his": 18.4 * MIB, "pacs": 2.3 * GIB}
FILES = {"his": 4127, "pacs": 61_842}
NUMBERS = {
    "backup": {"bytes_added": 18.4 * MIB, "files": 4127.0},
    "append_only": {"local_protected": 1.0, "offsite_protected": 1.0},
    "guard": {"anomalies": 0.0},
}
RTO = {"his": 96.4, "pacs": 6.1 * 3600}


def _steps(start: datetime, outcome: Outcome, cause: Cause | None, *, database: bool) -> tuple[Step, ...]:
    names = [("preflight", 2), *([("dump", 21)] if database else []), ("backup", 34), ("check", 8), ("guard", 2)]
    names += [("copy", 47), ("check_offsite", 9)]
    names.insert(1, ("append_only", 1))
    broken = {Outcome.WARNING: "copy", Outcome.FAILED: "backup", Outcome.INTERRUPTED: "backup"}.get(outcome)
    steps, at = [], start
    for name, seconds in names:
        ended = at + timedelta(seconds=seconds)
        bad = name == broken
        numbers = NUMBERS.get(name, {})
        steps.append(Step(name, outcome if bad else Outcome.SUCCESS, at, ended, cause if bad else None, numbers))
        at = ended
        if bad:
            break
    return tuple(steps)


def run(
    policy: Policy, host: str, start: datetime, *, outcome: Outcome, cause: Cause | None, trigger: Trigger
) -> BackupRun:
    """Return one finished run."""
    database = policy.name == "his"
    steps = _steps(start, outcome, cause, database=database)
    good = outcome in (Outcome.SUCCESS, Outcome.WARNING)
    number = f"{int(start.timestamp()):x}"
    return BackupRun(
        run_id=f"{start.astimezone(UTC):%Y%m%dT%H%M%SZ}-{policy.name}-{host}",
        host=host,
        policy=policy.name,
        trigger=trigger,
        boot_id="0f6b2c1e-5a53-4f0e-9c52-0d8d2c8f7a11",
        pid=812,
        started_at=start,
        outcome=outcome,
        finished_at=steps[-1].finished_at,
        steps=steps,
        snapshot_id=(number * 8)[:64] if good else None,
        offsite_snapshot_id=(number[::-1] * 8)[:64] if outcome is Outcome.SUCCESS else None,
        bytes_processed=int(READ.get(policy.name, 210 * MIB)),
        bytes_added=int(ADDED.get(policy.name, 1.3 * MIB)) if good else 0,
        files=FILES.get(policy.name, 912),
        cause=cause,
    )


def proof(policy: Policy, host: str, start: datetime, snapshot: str | None, share: float = 1.0) -> Verification:
    """Return one restore test that passed; ``share`` is the size of the data then, of today's."""
    tables = (("patients", 3182), ("visits", 9641), ("prescriptions", 14207)) if policy.name == "his" else ()
    rto = RTO.get(policy.name, 11.2) * share
    files = str(FILES.get(policy.name, 912))
    return Verification(
        verification_id=f"{start.astimezone(UTC):%Y%m%dT%H%M%SZ}-{policy.name}-{host}-proof",
        host=host,
        policy=policy.name,
        repository="local",
        started_at=start,
        finished_at=start + timedelta(seconds=rto + 6),
        verdict=Verdict.PASSED,
        snapshot_id=snapshot,
        as_of=start - timedelta(minutes=42),
        rpo_seconds=42 * 60.0,
        rto_seconds=rto,
        rpo_target_seconds=policy.rpo_hours * 3600,
        rto_target_seconds=policy.rto_hours * 3600,
        rto_forecast_seconds=rto * 1.3 if policy.name == "his" else rto,
        bytes_restored=int(READ.get(policy.name, 210 * MIB) * share),
        phases={"fetch": rto * 0.34, "restore": rto * 0.5, "compare": rto * 0.16},
        assertions=(
            *(
                Assertion(f"rows:{name}", Verdict.PASSED, str(count), str(count), "public schema")
                for name, count in tables
            ),
            Assertion("files:count", Verdict.PASSED, files, files),
            Assertion("files:sha256", Verdict.PASSED, "f2ca1bb6c7e9…", "f2ca1bb6c7e9…", "all files of the manifest"),
        ),
    )


def from_the_vault(passed: Verification) -> Verification:
    """Return the week's restore test from the vault, after the one from the local repository."""
    start = passed.finished_at + timedelta(minutes=2)
    rto = 1.8 * (passed.rto_seconds or 0)
    return replace(
        passed,
        verification_id=passed.verification_id.replace("-proof", "-vault-proof"),
        repository="offsite",
        started_at=start,
        finished_at=start + timedelta(seconds=rto + 6),
        rto_seconds=rto,
        rto_forecast_seconds=1.2 * rto,
    )


def wal(host: str, now: datetime) -> dict[str, object]:
    """Return how the WAL of his1 stands: stored a few minutes ago."""
    at = now - timedelta(minutes=6)
    stored = {"5432": at - timedelta(minutes=3)}
    return WalState(host, at, Outcome.SUCCESS, 4, 64 * MIB, stored).to_json()


def disproved(passed: Verification) -> Verification:
    """Return the same restore test with a table that came back changed."""
    wrong = Assertion("files:sha256", Verdict.FAILED, "f2ca1bb6c7e9…", "0d4a1185c2b1…", "images/2026/10/31/0042.dcm")
    cause = Cause("manifest_mismatch", "images/2026/10/31/0042.dcm", "the SHA-256 differs")
    return replace(passed, verdict=Verdict.FAILED, assertions=(*passed.assertions[:-1], wrong), cause=cause)


def _night(policy: Policy, host: str, back: int, local: datetime, share: float) -> tuple[list[BackupRun], Verification]:
    """Return the runs of one night and the restore test after them, with what went wrong in some nights."""
    runs = []
    outcome, cause, trigger = Outcome.SUCCESS, None, Trigger.SCHEDULE
    if policy.name == "his" and back == 9:
        cut = Cause("interrupted", host, "the host went down during: backup")
        runs.append(run(policy, host, local, outcome=Outcome.INTERRUPTED, cause=cut, trigger=trigger))
        local, trigger = local + timedelta(minutes=31), Trigger.CATCH_UP
    if policy.name == "pacs" and back == 4:
        outcome = Outcome.WARNING
        cause = Cause("offsite_unreachable", "rest:https://198.18.0.70:8000/", "no route to host")
    if policy.name == "pacs" and back == 16:
        outcome = Outcome.FAILED
        cause = Cause("repository_unreachable", "rest:https://198.18.0.10:8000/", "connection refused")
    runs.append(run(policy, host, local, outcome=outcome, cause=cause, trigger=trigger))
    proved = proof(policy, host, local + timedelta(minutes=42), runs[-1].snapshot_id, share)
    return runs, disproved(proved) if policy.name == "pacs" and back == 22 else proved


def under_way(policy: Policy, host: str, start: datetime) -> BackupRun:
    """Return a run by hand that has come to its second step."""
    done = Step("preflight", Outcome.SUCCESS, start, start + timedelta(seconds=2))
    now = Step("backup", Outcome.RUNNING, start + timedelta(seconds=2))
    return BackupRun(
        run_id=f"{start.astimezone(UTC):%Y%m%dT%H%M%SZ}-{policy.name}-{host}",
        host=host,
        policy=policy.name,
        trigger=Trigger.MANUAL,
        boot_id="0f6b2c1e-5a53-4f0e-9c52-0d8d2c8f7a11",
        pid=4711,
        started_at=start,
        steps=(done, now),
    )


def _steps_of(start: datetime, *names: tuple[str, int]) -> tuple[Step, ...]:
    steps, at = [], start
    for name, seconds in names:
        steps.append(Step(name, Outcome.SUCCESS, at, at + timedelta(seconds=seconds)))
        at += timedelta(seconds=seconds)
    return tuple(steps)


def restores(policy: Policy, host: str, now: datetime) -> list[RestoreRecord]:
    """Return what was restored on this host: a drill of the recovery key, a file, a whole system in its place."""
    if policy.name != "his":
        return []
    drill, file, rebuild = now - timedelta(days=41), now - timedelta(days=12), now - timedelta(days=6, hours=17)
    opened = Step("open", Outcome.SUCCESS, drill, drill + timedelta(seconds=3))
    steps = _steps_of(rebuild, ("fetch", 41), ("restore", 66), ("compare", 12), ("switch", 4))
    operator, outcome = "lihua", Outcome.SUCCESS
    return [
        RestoreRecord(
            restore_id="20261013T024100Z-drill-offsite-4e1a07", policy="", repository="offsite", what="recovery key",
            target="", in_place=False, purpose=Purpose.DRILL, started_at=drill, steps=(opened,),
            finished_at=opened.finished_at, host=host, operator=operator, outcome=outcome,
        ),
        RestoreRecord(
            restore_id="20261111T024100Z-his-9c20b1", policy="his", repository="local",
            what="/srv/his/reports/2026-11-09.pdf", target="/srv/restore", in_place=False,
            purpose=Purpose.RESTORE, started_at=file, finished_at=file + timedelta(seconds=9),
            steps=_steps_of(file, ("fetch", 7), ("files", 2)), snapshot_id="5d" * 32,
            as_of=file - timedelta(hours=9), bytes_restored=400_000, host=host,
            operator=operator, outcome=outcome,
        ),
        RestoreRecord(
            restore_id="20261116T094100Z-his-77af03", policy="his", repository="offsite", what="database his",
            target="his1", in_place=True, purpose=Purpose.REBUILD, started_at=rebuild,
            finished_at=steps[-1].finished_at, steps=steps, snapshot_id="8b" * 32,
            as_of=rebuild - timedelta(hours=7), until=rebuild - timedelta(hours=7), bytes_restored=int(1838 * MIB),
            host=host, operator=operator, outcome=outcome,
        ),
    ]  # fmt: skip


def history(policy: Policy, host: str, now: datetime, nights: int) -> dict[str, object]:
    """Return ``/facts``' backup part: every night a run and a proof after it, but for some nights that went wrong."""
    hour, minute = (int(part) for part in policy.schedule[0].split(":"))
    runs, proofs = [], []
    today = (now + timedelta(hours=8)).date()
    for back in range(nights - 1, -1, -1):
        midnight = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(days=back, hours=8)
        local = midnight + timedelta(hours=hour, minutes=minute, seconds=7)
        if local + timedelta(minutes=10) > now or (policy.name == "appliance" and back == 12):  # it was switched off
            continue
        made, proved = _night(policy, host, back, local, 1 - 0.004 * back)
        runs += made
        if made[-1].outcome is not Outcome.FAILED and not (policy.name == "his" and back == 20):
            proofs.append(proved)
            if back % 7 == 2:
                proofs.append(from_the_vault(proved))
    if policy.name == RUNNING:
        runs.append(under_way(policy, host, now - timedelta(minutes=19)))
    return {
        "runs": [to_json(item) for item in runs],
        "verifications": [to_json(item) for item in proofs],
        "restores": [to_json(item) for item in restores(policy, host, now)],
        "wal": wal(host, now) if policy.name == "his" else None,
    }
