"""Backup runs and restore tests of an invented clinic, as the agents report them."""

from datetime import UTC, datetime, timedelta

from backup.status import Assertion, BackupRun, Cause, Outcome, Step, Trigger, Verdict, Verification, to_json
from console.config import Policy

MIB = 1024**2


def _steps(start: datetime, outcome: Outcome, cause: Cause | None, *, database: bool) -> tuple[Step, ...]:
    names = [("preflight", 2), *([("dump", 21)] if database else []), ("backup", 34), ("check", 8), ("copy", 47)]
    names.append(("check_offsite", 9))
    broken = {Outcome.WARNING: "copy", Outcome.FAILED: "backup", Outcome.INTERRUPTED: "backup"}.get(outcome)
    steps, at = [], start
    for name, seconds in names:
        ended = at + timedelta(seconds=seconds)
        bad = name == broken
        numbers = {"bytes_added": 18.4 * MIB, "files": 4127.0} if name == "backup" else {}
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
        bytes_processed=int((1840 if database else 210) * MIB),
        bytes_added=int((18.4 if database else 1.3) * MIB) if good else 0,
        files=4127 if database else 912,
        cause=cause,
    )


def proof(policy: Policy, host: str, start: datetime, snapshot: str | None) -> Verification:
    """Return one restore test that passed."""
    tables = (("patients", 3182), ("visits", 9641), ("prescriptions", 14207)) if policy.name == "his" else ()
    rto = 96.4 if tables else 11.2
    files = "4127" if tables else "912"
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
        phases={"download": rto * 0.34, "restore_database": rto * 0.5, "compare": rto * 0.16},
        assertions=(
            *(
                Assertion(f"rows:{name}", Verdict.PASSED, str(count), str(count), "public schema")
                for name, count in tables
            ),
            Assertion("files:count", Verdict.PASSED, files, files),
            Assertion("files:sha256", Verdict.PASSED, "f2ca1bb6c7e9…", "f2ca1bb6c7e9…", "all files of the manifest"),
        ),
    )


def history(policy: Policy, host: str, now: datetime, nights: int) -> dict[str, list[dict[str, object]]]:
    """Return ``/facts``' backup part: every night a run, a proof after it, one power cut and one lost line offsite."""
    hour, minute = (int(part) for part in policy.schedule.split(":"))
    runs, proofs = [], []
    today = (now + timedelta(hours=8)).date()
    for back in range(nights - 1, -1, -1):
        midnight = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(days=back, hours=8)
        local = midnight + timedelta(hours=hour, minutes=minute, seconds=7)
        if local + timedelta(minutes=10) > now:
            continue
        outcome, cause, trigger = Outcome.SUCCESS, None, Trigger.SCHEDULE
        if policy.name == "his" and back == 9:
            cut = Cause("interrupted", host, "the host restarted while the backup ran")
            runs.append(run(policy, host, local, outcome=Outcome.INTERRUPTED, cause=cut, trigger=trigger))
            local, trigger = local + timedelta(minutes=31), Trigger.CATCH_UP
        if policy.name == "pacs" and back == 4:
            outcome = Outcome.WARNING
            cause = Cause("offsite_unreachable", "rest:https://198.18.0.70:8000/", "no route to host")
        if policy.name == "pacs" and back == 16:
            outcome = Outcome.FAILED
            cause = Cause("repository_unreachable", "rest:https://198.18.0.10:8000/", "connection refused")
        runs.append(run(policy, host, local, outcome=outcome, cause=cause, trigger=trigger))
        if outcome is not Outcome.FAILED:
            proofs.append(proof(policy, host, local + timedelta(minutes=42), runs[-1].snapshot_id))
    return {"runs": [to_json(item) for item in runs], "verifications": [to_json(item) for item in proofs]}
