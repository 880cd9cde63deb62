"""Make directories with their owner and mode, several in one round trip.

Option ``directories``: list of ``path`` (absolute), ``mode`` (default "0755"), ``owner``/``group`` (default root).
Missing parents are made with mode 0755, owned by root.  Contents are left alone.  Check mode and diff are supported.
Returns ``paths``: the changed ones.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat

from ansible.module_utils.basic import AnsibleModule

DIRECTORY_SPEC = {
    "path": {"type": "path", "required": True},
    "mode": {"type": "str", "default": "0755"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
}


def access(path: str) -> str:
    """Return ``MODE OWNER:GROUP`` of the directory at ``path``, or nothing when there is none.

    Raises NotADirectoryError when something else (a link counts) is in its place.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return ""
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(f"{path} is not a directory. Next: see what it is, move it away, then run again.")
    try:
        owner, group = pwd.getpwuid(status.st_uid).pw_name, grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        owner, group = str(status.st_uid), str(status.st_gid)
    return f"{stat.S_IMODE(status.st_mode):04o} {owner}:{group}"


def wanted_access(item: dict[str, str]) -> str:
    """Return what ``access`` says of a directory that is as ``item`` asks."""
    return f"{int(item['mode'], 8):04o} {item['owner']}:{item['group']}"


def make(item: dict[str, str]) -> None:
    """Make the directory as ``item`` asks.  Closed to others until it has its owner."""
    path = item["path"]
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)  # noqa: PTH103, PTH120
    if not os.path.isdir(path):  # noqa: PTH112
        os.mkdir(path, mode=0o700)  # noqa: PTH102
    shutil.chown(path, item["owner"], item["group"])
    os.chmod(path, int(item["mode"], 8))  # noqa: PTH101


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "directories": {"type": "list", "elements": "dict", "required": True, "options": DIRECTORY_SPEC}
        },
        supports_check_mode=True,
    )
    diffs, changed = [], []
    try:
        for item in module.params["directories"]:
            before, after = access(item["path"]), wanted_access(item)
            if before == after:
                continue
            changed.append(item["path"])
            diffs.append({"before": f"{before}\n", "after": f"{after}\n", "before_header": item["path"]})
            if not module.check_mode:
                make(item)
    except (OSError, LookupError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(changed), paths=changed, diff=diffs)


if __name__ == "__main__":
    main()
