"""What the commands say to people: runs, verifications, and how a policy stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backup.causes import explain
from backup.config.policy import Policy
from backup.rules import proof
from backup.rules.guard_times import SKEW
from backup.status import BackupRun, Cause, Outcome, Verdict, Verification, format_time, to_json

GOOD = {Outcome.SUCCESS, Outcome.WARNING}


@dataclass(frozen=True)
class Standing:
    """How one policy stands at ``moment``; ``proofs`` has how its proof stands in each repository."""

    policy: Policy
    moment: datetime
    last_run: BackupRun | None
    last_success: BackupRun | None
    last_verification: Verification | None
    proofs: Mapping[str, proof.Standing]

    @property
    def is_good(self) -> bool:
        """Whether there is a backup within the RPO, the last run had no finding and every repository is proved."""
        return (
            self.last_run is not None
            and self.last_run.outcome in {Outcome.SUCCESS, Outcome.RUNNING}
            and self.last_success is not None
            and (self.moment - self.last_success.started_at).total_seconds() <= self.policy.rpo_hours * 3600
            and all(item is proof.Standing.PROVED for item in self.proofs.values())
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "policy": self.policy.name,
            "good": self.is_good,
            "rpo_hours": self.policy.rpo_hours,
            "rto_hours": self.policy.rto_hours,
            "last_run": self.last_run and to_json(self.last_run),
            "last_success": self.last_success and format_time(self.last_success.started_at),
            "last_verification": self.last_verification and to_json(self.last_verification),
            "proofs": {name: item.value for name, item in self.proofs.items()},
        }

    def text(self) -> str:
        """Return lines for people."""
        success = format_time(self.last_success.started_at) if self.last_success else "never"
        lines = [f"policy {self.policy.name}: {'good' if self.is_good else 'NOT GOOD'}; last good backup: {success}"]
        lines.append(run_lines(self.last_run) if self.last_run else "never run. Next step: xinglin backup run")
        if self.last_verification:
            lines.append(verification_lines(self.last_verification))
        for name, item in self.proofs.items():
            if item is not proof.Standing.PROVED:
                words = "never" if item is proof.Standing.NEVER else f"not now ({item.value})"
                lines.append(
                    f"{words} proved by a restore from {name}. Next step: xinglin backup verify --repository {name}"
                )
        return "\n  ".join("\n".join(lines).splitlines())


def standing(
    policy: Policy,
    runs: Sequence[BackupRun],
    verifications: Sequence[Verification],
    moment: datetime,
    repositories: Sequence[str],
) -> Standing:
    """Pick out of all records (newest first) how ``policy`` stands; those of the future are a wrong clock's."""
    own = [run for run in runs if run.policy == policy.name and run.started_at <= moment + SKEW]
    return Standing(
        policy,
        moment,
        own[0] if own else None,
        next((run for run in own if run.outcome in GOOD), None),
        next((item for item in verifications if item.policy == policy.name and item.started_at <= moment + SKEW), None),
        {name: proof.standing(verifications, policy.name, name, moment) for name in repositories},
    )


def explained(cause: Cause) -> str:
    """Return a cause in words: what, what it means, what to do next."""
    texts = explain(cause)
    return f"{texts.title} [{cause.code}]\n  {texts.meaning}\n  Next step: {texts.next_step}"


def size(number: float) -> str:
    """Return a size such as ``12.3 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def run_lines(run: BackupRun) -> str:
    """Return what a run did, a line a step."""
    head = f"backup {run.run_id}: {run.outcome.value}"
    if run.finished_at:
        head += f" in {(run.finished_at - run.started_at).total_seconds():.0f} s"
    head += f", {run.files} files, {size(run.bytes_processed)} read, {size(run.bytes_added)} added"
    lines = [head]
    for step in run.steps:
        seconds = f" {(step.finished_at - step.started_at).total_seconds():.1f} s" if step.finished_at else ""
        lines.append(f"  {step.name}: {step.outcome.value}{seconds}")
    if run.cause:
        lines += [f"  {line}" for line in explained(run.cause).splitlines()]
    return "\n".join(lines)


def verification_lines(done: Verification) -> str:
    """Return what a verification found, the assertions that did not hold in full."""
    passed = sum(1 for item in done.assertions if item.status is Verdict.PASSED)
    head = f"restore test {done.verification_id} ({done.repository}): {done.verdict.value}"
    head += f", {passed} of {len(done.assertions)} assertions hold"
    if done.rpo_seconds is not None:
        head += f"; data {done.rpo_seconds / 3600:.1f} h old (RPO)"
    if done.rto_seconds is not None:
        head += f", restored and compared in {done.rto_seconds:.0f} s (RTO)"
    if done.bytes_restored and done.rto_seconds:
        head += f", {size(done.bytes_restored)} at {size(done.bytes_restored / done.rto_seconds)}/s"
    if done.rto_forecast_seconds is not None and done.rto_target_seconds is not None:
        head += f"; all of it would take {done.rto_forecast_seconds:.0f} s"
        head += f" (target: {done.rto_target_seconds:.0f} s)"
    lines = [head]
    lines += [
        f"  {item.id}: expected {item.expected}; got {item.got}; {item.detail}"
        for item in done.assertions
        if item.status is not Verdict.PASSED
    ]
    if done.cause:
        lines += [f"  {line}" for line in explained(done.cause).splitlines()]
    return "\n".join(lines)
