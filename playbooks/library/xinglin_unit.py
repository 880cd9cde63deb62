#!/usr/bin/python
"""Ansible module: keep a systemd unit enabled, running, and no older than the files it read when it started.

A handler is lost when a run stops half-way.  This compares instead: the unit's start against the age of its
certificate, its configuration and its Python environment.  One task does what a handler, a daemon-reload and
two service tasks would do, with one look at a healthy unit.
"""

from __future__ import annotations

import glob
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: xinglin_unit
short_description: Keep a systemd unit enabled, running and no older than the files it reads
options:
  name: {description: The unit with its suffix., type: str, required: true}
  reads:
    description: Paths or globs. The unit is restarted when one is newer than its start.
    type: list
    elements: str
    default: []
author: [The Xinglin engineers (@xinglin)]
"""
EXAMPLES = r"""
- name: Keep the agent running
  xinglin_unit:
    name: xinglin-agent.service
    reads: [/etc/xinglin/agent.json]
"""
RETURN = r"""
actions: {description: What was done., type: list, elements: str, returned: always}
newer: {description: Files newer than the unit's start., type: list, elements: str, returned: always}
"""
SHOWN = "LoadState,ActiveState,UnitFileState,NeedDaemonReload,InactiveExitTimestamp,FragmentPath,DropInPaths"
JOURNAL_LINES = "15"


def shown(module: AnsibleModule, name: str) -> dict[str, str]:
    """Return the unit's properties as systemd knows them now."""
    _, output, _ = module.run_command(
        ["systemctl", "show", "--timestamp=us+utc", "-p", SHOWN, name], check_rc=True, environ_update={"LC_ALL": "C"}
    )
    return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)


def started_at(unit: dict[str, str]) -> float:
    """Return the POSIX time at which the unit left the inactive state, 0 when it never did."""
    text = unit.get("InactiveExitTimestamp", "")
    if not text:
        return 0.0
    return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC).timestamp()


def newer_files(unit: dict[str, str], patterns: list[str]) -> list[str]:
    """Return the files of ``patterns``, and the unit's own, that changed after the unit started."""
    since = started_at(unit)
    paths = {*unit.get("FragmentPath", "").split(), *unit.get("DropInPaths", "").split()}
    for pattern in patterns:
        paths.update(glob.glob(pattern))  # noqa: PTH207  (Path.glob takes no absolute pattern)
    return sorted(path for path in paths if Path(path).is_file() and Path(path).stat().st_mtime > since)


def systemctl(module: AnsibleModule, verb: str, *names: str) -> None:
    """Run one systemctl verb; fail the task with the journal's last lines when it does not succeed."""
    code, _, error = module.run_command(["systemctl", verb, *names])
    if code:
        tail = ["journalctl", "-q", "--no-pager", "-n", JOURNAL_LINES, "-o", "cat"]
        _, journal, _ = module.run_command([*tail, *(f"--unit={name}" for name in names)])
        module.fail_json(
            msg=f"systemctl {verb} {' '.join(names)} failed: {error.strip()}\nits last lines:\n{journal.strip()}\n"
            f"next: on this host, run `systemctl status {' '.join(names)}`, then provision again"
        )


def main() -> None:
    """Look, act where needed, report."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "reads": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    name: str = module.params["name"]
    unit = shown(module, name)
    result: dict[str, Any] = {"actions": [], "newer": []}

    def act(verb: str, *names: str) -> None:
        result["actions"].append(verb)
        if not module.check_mode:
            systemctl(module, verb, *names)

    if unit["NeedDaemonReload"] == "yes" or unit["LoadState"] == "not-found":
        act("daemon-reload")
        unit = shown(module, name)
    if unit["UnitFileState"] not in {"enabled", "enabled-runtime", "static", "generated", "indirect"}:
        act("enable", name)
    if unit["ActiveState"] == "failed":
        act("reset-failed", name)
    if unit["ActiveState"] != "active":
        act("start", name)
    else:
        result["newer"] = newer_files(unit, module.params["reads"])
        if result["newer"]:
            act("restart", name)
    module.exit_json(changed=bool(result["actions"]), **result)


if __name__ == "__main__":
    main()
