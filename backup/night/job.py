"""The nightly job: one policy's sources into the local repository, then a copy to the offsite vault.

It may be killed at any moment.  The next run heals: records of dead runs are closed, stale locks removed, and
what a dead run had stored is found again by restic's deduplication.
"""

import errno
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from backup.config.policy import Config, Policy
from backup.errors import BackupError
from backup.night import clock, hooks, progress, seal
from backup.night.offsite import Vault
from backup.night.recorder import Now, Recorder, Show, StepNotes, boot_id, heal, now_utc
from backup.night.retry import Sleep, persistently
from backup.repositories import locks, probe, repository, rest_server, space
from backup.repositories.repository import Snapshot
from backup.repositories.restic import Repository
from backup.rules import guard
from backup.sources.work import Work
from backup.status import BackupRun, Cause, Outcome, Trigger, new_id, read_runs

logger = logging.getLogger(__name__)

MOST_SERIOUS = ("not_append_only", "anomaly_found")
"""Which warnings stand for the run when there are several; of others, the last."""


def _show_nobody(step: str, fraction: float | None, done_bytes: int) -> None:
    """Show no progress."""


def run_policy(
    config: Config,
    policy: Policy,
    trigger: Trigger,
    *,
    now: Now = now_utc,
    show: Show = _show_nobody,
    sleep: Sleep = time.sleep,
) -> BackupRun:
    """Run one policy and return its record, which is also in ``config.runs``.

    FAILED: there is no new backup.  WARNING: there is one, but a file, the check or the offsite copy is not well.
    SKIPPED: the policy's own program put it off.  Raises BackupError ``already_running``; KeyboardInterrupt, after it
    recorded INTERRUPTED.
    """
    with locks.mutex(config.mutex) as held:
        this_boot = boot_id()
        heal(config.runs, config.host, this_boot)
        last = _last_good(config, policy)
        started = now()
        run = BackupRun(
            run_id=new_id(policy.name, started),
            host=config.host,
            policy=policy.name,
            trigger=trigger,
            boot_id=this_boot,
            pid=os.getpid(),
            started_at=started,
        )
        with progress.shown(config.progress, run.run_id, policy.name, now, show) as shown:
            recorder = Recorder(config.runs, run, now, shown)
            return _Job(config, policy, recorder, [held], now, sleep, last).run()


def _last_good(config: Config, policy: Policy) -> BackupRun | None:
    good = {Outcome.SUCCESS, Outcome.WARNING}
    return next((run for run in read_runs(config.runs) if run.policy == policy.name and run.outcome in good), None)


@dataclass
class _Job:
    config: Config
    policy: Policy
    recorder: Recorder
    held: Sequence[int]
    now: Now
    sleep: Sleep
    last: BackupRun | None
    warnings: list[Cause] = field(default_factory=list)
    free: int | None = None

    def run(self) -> BackupRun:
        finish, host = self.recorder.finish, self.config.host
        try:
            with hooks.around(self.policy, self.recorder, self.warnings):
                self._make()
        except BackupError as error:
            skipped = error.cause.code == "hook_skipped"
            return finish(Outcome.SKIPPED if skipped else Outcome.FAILED, error.cause)
        except KeyboardInterrupt:
            finish(Outcome.INTERRUPTED, Cause("interrupted", host, "the job was told to stop"))
            raise
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            place = str(error.filename or self.config.state_directory)
            cause = Cause("local_disk_full" if full else "unknown", place, error.strerror or repr(error))
            return finish(Outcome.FAILED, cause)
        except Exception as error:
            finish(Outcome.FAILED, Cause("unknown", host, repr(error)[:300]))
            raise
        serious = [cause for code in MOST_SERIOUS for cause in self.warnings if cause.code == code]
        worst = next(iter(serious or self.warnings[-1:]), None)
        return finish(Outcome.WARNING if worst else Outcome.SUCCESS, worst)

    def _make(self) -> None:
        local = self._preflight()
        self._probe(local)
        listed = self._back_up(local)
        damage = self._check(local)
        self._guard(listed)
        # A damaged repository may still have the new set whole, and a copy takes over nothing that is damaged.
        vault = Vault(self.config, self.policy, self.recorder, self.held, listed, self.now, self.sleep)
        self._warn(vault.bring_up_to_date())
        if damage:
            raise damage

    def _warn(self, cause: Cause | None) -> None:
        if cause:
            self.warnings.append(cause)

    def _preflight(self) -> Repository:
        with self.recorder.step("preflight") as notes:
            repository.require_version()
            local = self.config.repository("local", self.policy.limits)
            answer = persistently(lambda: rest_server.require(local), notes, self.sleep)
            notes.warning = clock.compare(self.now(), answer.at, local.place)
            self._warn(notes.warning)
            for source in self.policy.sources:
                persistently(source.require, notes, self.sleep)
            locks.remove_stale(local, self.held)
            self._require_space(local, notes)
        return local

    def _require_space(self, local: Repository, notes: StepNotes) -> None:
        """Refuse what cannot fit by what the last run tells; leave ``free`` set when the paths must be looked at."""
        free, needed = space.free_bytes(local), space.most(self.last)
        if free is None:
            return
        notes.numbers |= {"bytes_free": free}
        if needed is not None and needed <= free:
            notes.numbers |= {"bytes_needed": needed}
            return
        space.require(local, space.streams(self.last) + space.SPARE_BYTES, free)
        self.free = free

    def _probe(self, local: Repository) -> None:
        with self.recorder.step("append_only") as notes:
            offsite = [self.config.repository("offsite", self.policy.limits)] if self.config.offsite else []
            for each in (local, *offsite):
                try:
                    protection = probe.require_append_only(each)
                except BackupError as error:
                    notes.warning = error.cause
                    self._warn(error.cause)
                    protection = probe.Protection.NONE
                if protection is not probe.Protection.UNKNOWN:
                    notes.numbers[f"{each.name}_protected"] = protection is probe.Protection.PROTECTED

    def _back_up(self, local: Repository) -> list[Snapshot]:
        with seal.staging_directory(self.config.staging) as staging:
            tags = (f"run={self.recorder.run.run_id}", f"policy={self.policy.name}")
            work = Work(local, self.config.host, tags, self.recorder, self.held, staging)
            work.data_is_from(self.now())
            parts = [seal.capture(source, work, self.sleep) for source in self.policy.sources]
            # A source that was captured, but not all of it, has said so in its step.
            for step in self.recorder.run.steps:
                self._warn(step.cause if step.name == "dump" and step.outcome is Outcome.WARNING else None)

            def check_space(notes: StepNotes) -> None:
                if self.free is not None:
                    paths = [staging, *work.paths]
                    notes.numbers |= space.require_for_paths(local, paths, self.free, lambda: seal.estimate(work))

            added, listed = seal.seal(self.policy.name, work, parts, self.sleep, check_space)
        self._warn(added.unreadable)
        return listed

    def _check(self, local: Repository) -> BackupError | None:
        """Check the local repository's structure (the keeper reads the data); return the damage.

        A check that could not be made is a warning.
        """

        def check() -> None:
            # A restic that died in this run, its server away, left its lock, and a check waits for every lock.
            locks.remove_stale(local, self.held)
            repository.check(local, keep_open=self.held)

        try:
            with self.recorder.step("check") as notes:
                persistently(check, notes, self.sleep)
        except BackupError as error:
            if error.cause.code == "repository_damaged":
                return error
            self._warn(error.cause)
        return None

    def _guard(self, listed: Sequence[Snapshot]) -> None:
        with self.recorder.step("guard") as notes:
            own = {snapshot.id for snapshot in listed if snapshot.tag("run") == self.recorder.run.run_id}
            anomalies = guard.find(listed, now=self.now(), fresh=own)
            notes.numbers["anomalies"] = len(anomalies)
            if anomalies:
                words = "; ".join(f"{anomaly.code}: {anomaly.detail}" for anomaly in anomalies)
                notes.warning = Cause("anomaly_found", f"policy {self.policy.name}", words[:300])
                self._warn(notes.warning)
