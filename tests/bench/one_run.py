"""``python -m tests.bench.one_run CONFIG``: one run of the policy, in a process of its own, and what it took."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from backup.config import policy_file
from backup.night import job
from backup.repositories import repository
from backup.status import Outcome, Trigger


def main(config_path: Path) -> None:
    config = policy_file.load(config_path)
    call: list[tuple[float, float]] = []
    back_up = repository.backup_paths

    def timed(*arguments: Any, **options: Any) -> repository.Added:  # noqa: ANN401 — passed on as they are
        began, own = time.monotonic(), time.process_time()
        try:
            return back_up(*arguments, **options)
        finally:
            call.append((time.monotonic() - began, time.process_time() - own))

    repository.backup_paths = timed
    began = time.monotonic()
    done = job.run_policy(config, config.policies[0], Trigger.MANUAL)
    took = time.monotonic() - began
    assert done.outcome is Outcome.SUCCESS, done
    ends = {step.name: step.finished_at for step in done.steps}
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
    backup = (ends["backup"] - ends["append_only"]).total_seconds()  # type: ignore[operator]
    (seconds, own_cpu), *_ = call
    print(json.dumps({"call": seconds, "own_cpu": own_cpu, "backup": backup, "run": took, "peak": peak}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
