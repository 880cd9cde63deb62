"""The policy's own programs before and after a backup: stop an application, mount a disk, say that it is done."""

import contextlib
import os
from collections.abc import Iterator, Sequence

from backup import process
from backup.config.policy import Policy
from backup.errors import BackupError
from backup.night.recorder import Recorder
from backup.repositories.classify import redact
from backup.status import Cause

PUT_OFF = 75
"""EX_TEMPFAIL of sysexits.h: the program asks not to back up now."""
KEPT_LINES = 5


@contextlib.contextmanager
def around(policy: Policy, recorder: Recorder, warnings: list[Cause]) -> Iterator[None]:
    """Run the policy's programs before and after the block; those after it run however it and those before ended.

    Raises BackupError: hook_skipped when one before ended with 75, hook_failed for any other but 0, timed_out.
    A failure after the block goes to ``warnings``: the backup is made by then, or has failed for a better reason.
    """
    try:
        if policy.hooks.before:
            with recorder.step("hooks_before"):
                _run_all(policy.hooks.before, policy, recorder)
        yield
    finally:
        if policy.hooks.after:
            try:
                with recorder.step("hooks_after"):
                    _run_all(policy.hooks.after, policy, recorder)
            except BackupError as error:
                warnings.append(error.cause)


def _run_all(programs: Sequence[Sequence[str]], policy: Policy, recorder: Recorder) -> None:
    for argv in programs:
        _run(argv, policy, recorder)


def _run(argv: Sequence[str], policy: Policy, recorder: Recorder) -> None:
    said: list[str] = []

    def keep(_: process.Source, line: str) -> None:
        said[:] = [*said[1 - KEPT_LINES :], line]

    environment = {
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        "LANG": "C.UTF-8",
        "XINGLIN_POLICY": policy.name,
        "XINGLIN_RUN": recorder.run.run_id,
    }
    code = process.run(argv, environment, on_line=keep, timeout_seconds=policy.hooks.timeout_seconds)
    if code:
        words = redact(" ".join(" ".join(said).split()))[-300:] or f"it ended with exit code {code}"
        raise BackupError("hook_skipped" if code == PUT_OFF else "hook_failed", argv[0], words)
