"""Commands on a host over SSH; what is secret travels on stdin and nowhere else."""

import json
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from playbooks.login import Target, ssh_command

XINGLIN = "sudo -n /opt/xinglin/venv/bin/xinglin"
QUICK_SECONDS = 120.0
KEY_SECONDS = 900.0
PARALLEL = 8
UNREACHABLE = "host_unreachable"


class RecoveryError(Exception):
    """A part of the recovery failed; the message names place, cause and next step."""


def run(target: Target, command: str, stdin: bytes = b"", timeout_seconds: float = QUICK_SECONDS) -> bytes:
    """Run a shell command on ``target`` and return its output; raises RecoveryError with its last line."""
    done = attempt(target, command, stdin, timeout_seconds)
    if done.returncode != 0:
        raise RecoveryError(f"{target.name} ({target.address}): {_last_line(done)}")
    return done.stdout


def as_root(target: Target, script: str, timeout_seconds: float = QUICK_SECONDS) -> bytes:
    """Run a shell script as root, itself on stdin so that it may hold secrets; raises RecoveryError."""
    return run(target, "sudo -n sh -eu -s", script.encode(), timeout_seconds)


def attempt(
    target: Target, command: str, stdin: bytes = b"", timeout_seconds: float = QUICK_SECONDS
) -> "subprocess.CompletedProcess[bytes]":
    """Run a shell command on ``target``, whatever its exit code; raises RecoveryError when there is no answer."""
    argv = [*ssh_command(target, target.known_hosts), command]
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        raise RecoveryError(f"{target.name} ({target.address}): no answer within {timeout_seconds:.0f} s.") from None
    if done.returncode == 255:
        raise RecoveryError(f"{target.name} ({target.address}): no SSH connection: {_last_line(done)}")
    return done


def keys(targets: Sequence[Target], command: str, code: str) -> dict[str, list[dict[str, Any]]]:
    """Run ``xinglin backup key COMMAND`` with the recovery code on many hosts; return what each said per repository.

    A host that does not answer has one entry, with the cause ``host_unreachable``; it stops no other.
    """

    def one(target: Target) -> list[dict[str, Any]]:
        try:
            done = attempt(target, f"{XINGLIN} backup key {command}", code.encode(), KEY_SECONDS)
            answer: list[dict[str, Any]] = json.loads(done.stdout)
        except RecoveryError as error:
            return [_silent(target, str(error))]
        except ValueError:
            return [_silent(target, _last_line(done))]
        return answer

    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        return dict(zip((target.name for target in targets), pool.map(one, targets), strict=True))


def problem(result: dict[str, Any]) -> str | None:
    """Return why a repository did not open, as one line, or None when it did."""
    cause = result["cause"]
    return None if cause is None else f"{cause['code']}: {cause['detail']}"


def _silent(target: Target, detail: str) -> dict[str, Any]:
    cause = {"code": UNREACHABLE, "place": target.name, "detail": detail}
    return {"repository": "all", "place": target.name, "key_id": None, "cause": cause}


def _last_line(done: "subprocess.CompletedProcess[bytes]") -> str:
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit {done.returncode}"
