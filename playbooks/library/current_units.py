"""Keep systemd units enabled, running and started after the files that they read were written.

Option ``units``: list of ``name``, ``enabled`` (default true), ``state`` (``started`` (default), ``stopped``,
``present`` = leave as it is, but restart it when it runs with older files), ``newer_than`` (paths; a unit that was
started before one of them changed is restarted).

The comparison with file times needs no handler, so a run that was killed between writing a file and restarting its
service is healed by the next run.  Check mode is supported.  Returns ``actions``: what was done, in order.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule

PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,UnitFileState,Type,ActiveEnterTimestamp,ExecMainStartTimestamp,NeedDaemonReload"
)
UNIT_SPEC = {
    "name": {"type": "str", "required": True},
    "enabled": {"type": "bool", "default": True},
    "state": {"type": "str", "default": "started", "choices": ["started", "stopped", "present"]},
    "newer_than": {"type": "list", "elements": "path", "default": []},
}


@dataclass(frozen=True)
class Unit:
    """What systemd says of a unit; ``since`` is when its process (or the unit) was started, 0 = never."""

    name: str
    loaded: bool
    active: bool
    file_state: str
    since: float
    needs_reload: bool


def timestamp(text: str) -> float:
    """Return systemd's ``Day YYYY-MM-DD HH:MM:SS.MICROSECONDS UTC`` as seconds since the epoch; 0 for never."""
    if not text or text == "n/a":
        return 0.0
    return datetime.strptime(" ".join(text.split()[1:3]), "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp()


def parse(output: str) -> dict[str, Unit]:
    """Return the units of ``systemctl show --timestamp=us+utc`` output by the name that was asked for."""
    units = {}
    for block in output.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" not in values:
            continue
        since = timestamp(values.get("ExecMainStartTimestamp", "")) or timestamp(values.get("ActiveEnterTimestamp", ""))
        units[values["Id"]] = Unit(
            values["Id"],
            values.get("LoadState") == "loaded",
            values.get("ActiveState") in {"active", "activating", "reloading"},
            values.get("UnitFileState", ""),
            since,
            values.get("NeedDaemonReload") == "yes",
        )
    return units


def plan(wanted: dict[str, Any], unit: Unit, newest: float) -> list[str]:
    """Return systemctl's verbs that bring ``unit`` to what is ``wanted``.

    ``newest`` is the newest change time of the files that the unit reads, in seconds.
    """
    verbs = []
    if wanted["state"] != "present":
        if wanted["enabled"] and unit.file_state not in {"enabled", "static", "alias", "generated", "indirect"}:
            verbs.append("enable")
        if not wanted["enabled"] and unit.file_state == "enabled":
            verbs.append("disable")
    if wanted["state"] == "stopped":
        return verbs + (["stop"] if unit.active else [])
    if not unit.active:
        return verbs + (["start"] if wanted["state"] == "started" else [])
    # A file written in the very moment of the start may have been read half; restarting once too often is harmless.
    return verbs + (["restart"] if newest >= unit.since else [])


def newest_change(paths: list[str]) -> float:
    """Return the newest change time (ctime: a rename into place counts) of the paths that exist; 0 when none does."""
    return max((os.stat(path).st_ctime for path in paths if os.path.exists(path)), default=0.0)  # noqa: PTH110, PTH116


def full_name(name: str) -> str:
    """Return the unit's name with its type."""
    return name if "." in name else name + ".service"


class Systemd:
    """systemctl as this module uses it; ``actions`` lists what it changed, or would change in check mode."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.actions: list[str] = []

    def run(self, *arguments: str) -> str:
        """Return systemctl's output; a failure ends the module with the unit's last log lines."""
        code, out, err = self.module.run_command(["systemctl", *arguments])
        if code != 0:
            unit = arguments[-1]
            _, journal, _ = self.module.run_command(["journalctl", "--no-pager", "-q", "-n", "15", "-u", unit])
            self.module.fail_json(
                msg=f"systemctl {' '.join(arguments)} failed: {(err or out).strip()}. Next: read "
                f"`journalctl -u {unit}` on the host.\n{journal.strip()}",
                actions=self.actions,
            )
        return str(out)

    def change(self, *arguments: str) -> None:
        """Run systemctl unless this is a check, and note it."""
        self.actions.append(" ".join(arguments))
        if not self.module.check_mode:
            self.run(*arguments)

    def show(self, names: list[str]) -> dict[str, Unit]:
        """Return the units' states, read again after a daemon-reload when a unit file is newer than systemd's view."""
        show = ("show", "--timestamp=us+utc", "--property", PROPERTIES, *names)
        units = parse(self.run(*show))
        if any(unit.needs_reload for unit in units.values()):
            self.change("daemon-reload")
            units = parse(self.run(*show))
        return units

    def converge(self, name: str, item: dict[str, Any], unit: Unit | None) -> None:
        """Bring one unit to what is wanted."""
        if unit is not None and unit.loaded:
            for verb in plan(item, unit, newest_change(item["newer_than"])):
                self.change(verb, name)
        elif self.module.check_mode and item["state"] == "started":
            self.actions.append(f"start {name}")
        elif item["state"] == "started":
            self.module.fail_json(
                msg=f"{name} is not known to systemd. Next: see why its package or unit file is missing."
            )


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={"units": {"type": "list", "elements": "dict", "required": True, "options": UNIT_SPEC}},
        supports_check_mode=True,
    )
    wanted = {full_name(item["name"]): item for item in module.params["units"]}
    systemd = Systemd(module)
    units = systemd.show(list(wanted))
    for name, item in wanted.items():
        systemd.converge(name, item, units.get(name))
    module.exit_json(changed=bool(systemd.actions), actions=systemd.actions)


if __name__ == "__main__":
    main()
