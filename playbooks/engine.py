"""Drive ansible-core through ansible-runner: one run, its events, its record.

Call it in a process of its own (the command line, or one that the console starts): ansible-runner takes over SIGINT
and SIGTERM, which cancel the run, and spawns a pseudo-terminal.  Everything that it writes lies in a directory that
only root can read and that is gone afterwards.
"""

import contextlib
import getpass
import importlib.util
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ansible_runner

from playbooks.progress import Progress
from playbooks.record import RunRecord, TaskResult, finished, task_result, timestamp

PLAYBOOKS = Path(__file__).parent
RUNS = ".runs"
PRIVATE_PREFIX = "private-"
CONTROL_LINK = "control"
VAULT_KEY_FILE = ".vault-password"
CANCEL_LATENCY_SECONDS = 1
KILLED_SECONDS = 10
# The fast strategy's own way to say ServerAliveInterval and ServerAliveCountMax; its default waits five minutes.
DEAD_HOST = {"mitogen_ssh_keepalive_interval": 5, "mitogen_ssh_keepalive_count": 4}


class AnsibleError(Exception):
    """Ansible itself could not run; the message says what it said and what to do next."""


@dataclass(frozen=True)
class RunRequest:
    """What to run.  ``extra_inventory`` (JSON text, may hold first credentials) overrides the facility's hosts."""

    facility: Path
    playbook: str = "site.yml"
    check: bool = False
    limit: str | None = None
    tags: tuple[str, ...] = ()
    known_hosts: Path | None = None
    extra_inventory: str | None = None


def new_record(request: RunRequest, now: datetime) -> RunRecord:
    """Return the record of a run that starts now."""
    return RunRecord(
        run_id=f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
        playbook=request.playbook,
        check=request.check,
        limit=request.limit,
        tags=request.tags,
        operator=os.environ.get("SUDO_USER") or getpass.getuser(),
        started_at=timestamp(now),
    )


def run(request: RunRequest, record: RunRecord, progress: Progress) -> RunRecord:
    """Run the playbook and return its record, also when hosts fail or the run is cancelled.

    Raises AnsibleError when Ansible could not start or refused the playbook.
    """
    tasks: list[TaskResult] = []

    def on_event(event: dict[str, Any]) -> bool:
        result = task_result(event)
        if result is not None:
            tasks.append(result)
        progress.event(event, result)
        return False

    with _private_directory(request.facility) as (private, control_path):
        ended = ansible_runner.run(
            private_data_dir=str(private),
            project_dir=str(PLAYBOOKS),
            playbook=request.playbook,
            inventory=_inventory(request, private),
            extravars=DEAD_HOST,
            limit=request.limit,
            tags=",".join(request.tags) or None,
            cmdline="--check" if request.check else None,
            envvars=environment(request, control_path),
            settings={"pexpect_timeout": CANCEL_LATENCY_SECONDS, "suppress_ansible_output": True},
            suppress_env_files=True,
            quiet=True,
            event_handler=on_event,
        )
        progress.close()
        if ended.status == "canceled":
            _end_left_behind(control_path)
        record = finished(replace(record, tasks=record.tasks + tuple(tasks)), str(ended.status), datetime.now(UTC))
        if ended.status == "failed" and not tasks:
            raise AnsibleError(_last_words(Path(ended.config.artifact_dir) / "stdout"))
    return record


def _end_left_behind(control_path: Path) -> None:
    """End what a cancelled run left: mitogen's multiplexer has a session of its own, out of the runner's reach.

    Returns when it has ended: on a busy machine a killed process may go on for a while.
    """
    mark = os.fsencode(control_path)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(process.name) != os.getpid() and mark in (process / "environ").read_bytes():
                _kill(int(process.name))


def _kill(pid: int) -> None:
    descriptor = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [], KILLED_SECONDS)
    finally:
        os.close(descriptor)


def environment(request: RunRequest, control_path: Path) -> dict[str, str]:
    """Return Ansible's settings that depend on the facility; the others are in ansible.cfg."""
    known_hosts = request.known_hosts or request.facility / "known_hosts"
    settings = {
        # ansible-playbook lies beside this Python, whether or not the environment is activated.
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg"),
        "ANSIBLE_SSH_COMMON_ARGS": f"-o UserKnownHostsFile={known_hosts} -o IdentitiesOnly=yes",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(control_path),
        # ansible-runner would turn the check of host keys off.
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "1",
        # The runner's own pseudo-terminal must not break events into lines.
        "COLUMNS": "4096",
        **strategy(),
    }
    password = request.facility / VAULT_KEY_FILE
    if password.is_file():
        settings["ANSIBLE_VAULT_PASSWORD_FILE"] = str(password)
    return settings


def strategy() -> dict[str, str]:
    """Return the settings of the fast strategy, which keeps one Python process a host; none when it is missing.

    Measured on three hosts: a task takes 0.15 s instead of 0.6 s.
    """
    found = importlib.util.find_spec("ansible_mitogen")
    if found is None or not found.submodule_search_locations:
        return {}
    plugins = Path(found.submodule_search_locations[0]) / "plugins" / "strategy"
    return {
        "ANSIBLE_STRATEGY": "mitogen_linear",
        "ANSIBLE_STRATEGY_PLUGINS": str(plugins),
        # The only deprecation is that of strategies outside of ansible-core; the lock pins a core that has them.
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
    }


def _inventory(request: RunRequest, private: Path) -> list[str]:
    sources = [str(request.facility / "hosts.yml")]
    if request.extra_inventory is not None:
        extra = private / "first-contact.yml"
        extra.touch(mode=0o600)
        extra.write_text(request.extra_inventory, encoding="utf-8")
        sources.append(str(extra))
    return sources


@contextlib.contextmanager
def _private_directory(facility: Path) -> Iterator[tuple[Path, Path]]:
    """Yield a directory that only its owner can read and one for SSH's shared connections; end and remove both.

    The second has a short name, because a socket's path is limited; a link in the first leads to it, so that the next
    run finds and removes what a killed run left.
    """
    runs = facility / RUNS
    runs.mkdir(mode=0o700, exist_ok=True)
    for left in runs.glob(f"{PRIVATE_PREFIX}*"):
        _remove(left)
    private = Path(tempfile.mkdtemp(dir=runs, prefix=PRIVATE_PREFIX))
    control_path = Path(tempfile.mkdtemp(prefix="xl-"))
    (private / CONTROL_LINK).symlink_to(control_path)
    try:
        yield private, control_path
    finally:
        _remove(private)


def _remove(private: Path) -> None:
    link = private / CONTROL_LINK
    control_path = link.resolve()
    if link.is_symlink() and control_path.is_dir():
        for control_socket in control_path.iterdir():
            command = ["ssh", "-O", "exit", "-o", f"ControlPath={control_socket}", "host"]
            with contextlib.suppress(subprocess.TimeoutExpired):  # it ends by itself a minute after the last session
                subprocess.run(command, capture_output=True, check=False, timeout=10)
        shutil.rmtree(control_path, ignore_errors=True)
    shutil.rmtree(private, ignore_errors=True)


def _last_words(stdout: Path) -> str:
    lines = stdout.read_text(encoding="utf-8", errors="replace").splitlines() if stdout.is_file() else []
    text = "\n".join(line for line in lines if line.strip())[-2000:]
    return f"Ansible did not start the playbook. Next: correct what it names.\n{text or '(it said nothing)'}"
