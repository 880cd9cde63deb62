"""Runs a tool that answers a question about the system and changes nothing."""

import os
import subprocess
from collections.abc import Sequence


class CommandError(Exception):
    """A tool is missing, failed, or did not answer in time."""


def run_command(command: Sequence[str], timeout_seconds: float) -> str:
    """Return the tool's standard output; raises CommandError with its last line of complaint.

    The tool gets none of this service's environment: systemctl would report to its NOTIFY_SOCKET.
    """
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            encoding="utf-8",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=timeout_seconds,
        )
    except FileNotFoundError as error:
        raise CommandError(f"{command[0]} is not installed") from error
    except OSError as error:
        raise CommandError(f"{command[0]}: {error.strerror or error}") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{command[0]} did not answer in {timeout_seconds:g} s") from error
    if done.returncode != 0:
        complaint = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise CommandError(f"{' '.join(command[:2])} exited with {done.returncode}: {complaint[-1]}")
    return done.stdout
