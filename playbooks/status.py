"""`xinglin status`: ask the console on the appliance over SSH, print its answer in one screen."""

import json
from collections.abc import Mapping
from typing import Any

import fabric
import invoke
import paramiko  # type: ignore[import-untyped]

from playbooks.login import CONNECT_TIMEOUT_SECONDS, Target

COMMAND = "sudo -n -u xinglin-console /opt/xinglin/venv/bin/xinglin console status --json"
TIMEOUT_SECONDS = 30
MARKS = {"ok": "●", "warn": "▲", "crit": "✖", "late": "○", "maint": "◇", "unknown": "?"}


class StatusError(Exception):
    """The appliance or its console did not answer; the message names cause and next step."""


def fetch(appliance: Target) -> dict[str, Any]:
    """Return what `xinglin console status --json` says on the appliance; raises StatusError."""
    connection = fabric.Connection(
        appliance.address,
        user=appliance.operator,
        port=appliance.port,
        config=fabric.Config(overrides={"load_ssh_configs": False}),
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        connect_kwargs={"key_filename": str(appliance.key), "look_for_keys": False, "allow_agent": False},
    )
    try:
        connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        connection.client.load_host_keys(str(appliance.known_hosts))
        with connection:
            done = connection.run(COMMAND, hide=True, warn=True, in_stream=False, timeout=TIMEOUT_SECONDS)
    except FileNotFoundError:
        raise StatusError(f"{appliance.name} is not taken over yet. Next: xinglin provision") from None
    except (OSError, EOFError, paramiko.SSHException, invoke.exceptions.CommandTimedOut) as error:
        raise StatusError(
            f"{appliance.name} ({appliance.address}): no SSH connection: {str(error).rstrip('.')}. Next: see that the "
            "appliance is on and its cable in place; `xinglin provision --limit appliance` says more."
        ) from None
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = (done.stderr.strip().splitlines() or [f"exit {done.exited}"])[-1]
        raise StatusError(
            f"{appliance.name}: the console did not answer: {said}. Next: `xinglin provision`, and on the appliance "
            "`systemctl status xinglin-console xinglin-worker`."
        ) from None
    return answer


def screen(answer: Mapping[str, Any], locale: str) -> str:
    """Return the answer as text, problems in the facility's language (``zh_CN`` or ``en``)."""
    facility = answer["facility"]
    name = facility.get("name_zh" if locale == "zh_CN" else "name_en", facility.get("id"))
    lines = [f"{name}   {answer['generated_at']}", ""]
    lines += [
        f"  {MARKS.get(host['state'], '?')} {host['name']:<12} {host['state']:<8}"
        f" last seen {host['last_seen'] or 'never'}   agent {host['agent_version'] or '-'}"
        for host in answer["hosts"]
    ]
    lines += ["", *(_backup(backup) for backup in answer["backups"])]
    lines += ["", *(_problem(problem, "_zh" if locale == "zh_CN" else "") for problem in answer["problems"])]
    if not answer["problems"]:
        lines.append("  no open problem")
    console = answer["console"]
    lines += ["", f"  console {console['url']} ({console['accounts']} accounts)"]
    return "\n".join(lines)


def _backup(backup: Mapping[str, Any]) -> str:
    last = backup["last_success"] or "never"
    proof = (
        f"{backup['last_verdict']} {backup['last_restore_test']}" if backup["last_restore_test"] else "not proved yet"
    )
    measured = f", RPO {_hours(backup['rpo_seconds'])}, RTO {_hours(backup['rto_seconds'])}"
    return (
        f"  backup {backup['host']}/{backup['policy']}: last success {last} ({backup['last_outcome'] or 'no run'}), "
        f"restore test {proof}{measured if backup['last_restore_test'] else ''}"
    )


def _hours(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def _problem(problem: Mapping[str, Any], language: str) -> str:
    title, meaning, step = (problem[f"{key}{language}"] for key in ("title", "meaning", "next_step"))
    mark = MARKS[problem["severity"]]
    return f"  {mark} {problem['object']}: {title} ({problem['since']})\n      {meaning}\n      → {step}"
