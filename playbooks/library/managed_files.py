"""Write several small files in one round trip, each atomically and with its checker.

Option ``files``: list of ``path`` (absolute), ``content`` (null removes the file), ``mode`` (default "0644"),
``owner``/``group`` (default root), ``validate`` (a command line with ``%s`` for the candidate).  Missing parent
directories are made with mode 0755.  Every candidate is validated before the first file is replaced; systemd is told
when a unit file changed.  Check mode and diff are supported; set ``diff: false`` on the task when a content is secret.
Returns ``paths``: the changed ones.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import shutil
import stat
import tempfile
from dataclasses import dataclass

from ansible.module_utils.basic import AnsibleModule

UNITS = "/etc/systemd/system/"
FILE_SPEC = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str"},
    "mode": {"type": "str", "default": "0644"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "validate": {"type": "str"},
}


@dataclass(frozen=True)
class State:
    """What is at a path: text (None = nothing there) and "mode owner:group"."""

    text: str | None
    access: str

    def shown(self) -> str:
        """Return the text, or nothing when there is no file."""
        return self.text or ""


def name_of(lookup: object, number: int) -> str:
    """Return the name of a user or group number, or the number when it has none."""
    try:
        return str(lookup(number)[0])  # type: ignore[operator]
    except KeyError:
        return str(number)


def read_state(path: str) -> State:
    """Return the state of the file at ``path``; a link counts as no file, so that it is replaced."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            return State(None, "")
        with open(path, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            text = file.read()
    except FileNotFoundError:
        return State(None, "")
    owner, group = name_of(pwd.getpwuid, status.st_uid), name_of(grp.getgrgid, status.st_gid)
    return State(text, f"{stat.S_IMODE(status.st_mode):04o} {owner}:{group}")


def wanted_state(item: dict[str, str]) -> State:
    """Return the state that an item of ``files`` asks for."""
    if item["content"] is None:
        return State(None, "")
    return State(item["content"], f"{int(item['mode'], 8):04o} {item['owner']}:{item['group']}")


def stage(item: dict[str, str], directory: str) -> str:
    """Write the candidate of an item into ``directory`` (root only) and return its path."""
    handle, candidate = tempfile.mkstemp(dir=directory, prefix=os.path.basename(item["path"]) + ".")  # noqa: PTH119
    with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(item["content"])
    return candidate


def validate(module: AnsibleModule, item: dict[str, str], candidate: str) -> None:
    """Run the item's checker over the candidate; a refusal ends the module before anything is replaced."""
    if not item["validate"]:
        return
    command = [part.replace("%s", candidate) for part in shlex.split(item["validate"])]
    if shutil.which(command[0], path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None and module.check_mode:
        return
    code, out, err = module.run_command(command)
    if code != 0:
        module.fail_json(
            msg=f"{item['path']}: {command[0]} refuses the new content, nothing was replaced: {(out + err).strip()}"
        )


def replace(item: dict[str, str], candidate: str) -> None:
    """Put the candidate in its place, durable and in one step."""
    path = item["path"]
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)  # noqa: PTH103, PTH120
    temporary = f"{path}.xinglin-new"
    shutil.copyfile(candidate, temporary)
    shutil.chown(temporary, item["owner"], item["group"])
    os.chmod(temporary, int(item["mode"], 8))  # noqa: PTH101
    with open(temporary, "rb") as file:  # noqa: PTH123
        os.fsync(file.fileno())
    os.replace(temporary, path)  # noqa: PTH105


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={"files": {"type": "list", "elements": "dict", "required": True, "options": FILE_SPEC}},
        supports_check_mode=True,
    )
    items = [item for item in module.params["files"] if read_state(item["path"]) != wanted_state(item)]
    diffs = []
    for item in items:
        before, after = read_state(item["path"]), wanted_state(item)
        diffs.append(
            {
                "before": before.shown(),
                "after": after.shown(),
                "before_header": f"{item['path']} {before.access}".rstrip(),
                "after_header": f"{item['path']} {after.access}".rstrip(),
            }
        )
    with tempfile.TemporaryDirectory(dir=module.tmpdir) as directory:
        candidates = {item["path"]: stage(item, directory) for item in items if item["content"] is not None}
        for item in items:
            if item["path"] in candidates:
                validate(module, item, candidates[item["path"]])
        for item in items if not module.check_mode else []:
            if item["path"] in candidates:
                replace(item, candidates[item["path"]])
            else:
                os.unlink(item["path"])  # noqa: PTH108
        if not module.check_mode and any(item["path"].startswith(UNITS) for item in items):
            # systemd itself does not notice a new drop-in directory of a unit that it has loaded.
            module.run_command(["systemctl", "daemon-reload"], check_rc=True)
    module.exit_json(changed=bool(items), paths=[item["path"] for item in items], diff=diffs)


if __name__ == "__main__":
    main()
