"""Run a tool to its end and say clearly what it said when it fails."""

import subprocess
from collections.abc import Mapping, Sequence

from tests.lab.errors import LabError


def run(
    argv: Sequence[str], *, stdin: str | None = None, env: Mapping[str, str] | None = None, timeout_seconds: float = 600
) -> str:
    """Return the standard output of ``argv``; raise ``LabError`` with its last lines when it fails."""
    try:
        done = subprocess.run(
            argv, input=stdin, env=env, capture_output=True, text=True, timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(argv[0], f"no end after {timeout_seconds:.0f} s: {' '.join(argv)}", "run it by hand") from error
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-8:]
        raise LabError(argv[0], f"exit {done.returncode} of {' '.join(argv)}: {' | '.join(last)}", "see the message")
    return done.stdout
