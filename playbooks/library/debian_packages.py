"""Install missing Debian packages.

``apt`` opens the whole package cache on every call (about a second); this module asks dpkg, which answers in
milliseconds, and wakes apt only when something is missing.

DOCUMENTATION-like summary: option ``name`` (list of package names, required).  Check mode and diff are supported.
Returns ``missing``: the names that were (in check mode: would be) installed.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable

from ansible.module_utils.basic import AnsibleModule

LISTS_MAX_AGE_SECONDS = 24 * 3600
LOCK_TIMEOUT_SECONDS = 300
LISTS_LOCKED = "Could not get lock /var/lib/apt/lists/lock"
LOOK_AGAIN_SECONDS = 1


def missing_packages(wanted: Iterable[str], dpkg_output: str) -> list[str]:
    """Return the wanted names that ``dpkg_output`` does not show as installed, in order.

    ``dpkg_output`` has lines ``NAME STATUS`` where STATUS is dpkg's abbreviated one (``ii`` is installed).
    """
    installed = {line.split()[0] for line in dpkg_output.splitlines() if line.endswith((" ii", " hi"))}
    return [name for name in dict.fromkeys(wanted) if name not in installed]


def query(names: list[str]) -> str:
    """Return what dpkg knows of the names; unknown ones are left out."""
    form = "${Package} ${db:Status-Abbrev}\n"
    done = subprocess.run(["dpkg-query", "-W", "-f", form, *names], capture_output=True, text=True, check=False)
    return "\n".join(line.rstrip() for line in done.stdout.splitlines())


def lists_are_old(now: float) -> bool:
    """Tell whether the package lists are missing or older than a day."""
    try:
        names = [
            entry for entry in os.scandir("/var/lib/apt/lists") if entry.name.endswith(("_Packages", "_Packages.lz4"))
        ]
        return not names or now - os.stat("/var/lib/apt/lists").st_mtime > LISTS_MAX_AGE_SECONDS  # noqa: PTH116
    except FileNotFoundError:
        return True


def apt_get(module: AnsibleModule, *arguments: str) -> None:
    """Run apt-get; a failure ends the module with apt's own last lines."""
    command = ["apt-get", "-q", "-y", "-o", f"DPkg::Lock::Timeout={LOCK_TIMEOUT_SECONDS}", *arguments]
    environment = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "NEEDRESTART_MODE": "l"}
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while True:
        code, out, err = module.run_command(command, environ_update=environment)
        # For dpkg's lock apt waits itself, for that of the lists, which the daily update holds, it does not.
        if code == 0 or LISTS_LOCKED not in err or time.monotonic() > deadline:
            break
        time.sleep(LOOK_AGAIN_SECONDS)
    if code != 0:
        tail = "\n".join((out + err).strip().splitlines()[-12:])
        module.fail_json(
            msg=f"apt-get {arguments[-1]} failed (exit {code}). Next: check the appliance's package cache (port 3142) "
            f"and its route to the Debian mirror, then run again.\n{tail}"
        )


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={"name": {"type": "list", "elements": "str", "required": True}}, supports_check_mode=True
    )
    names: list[str] = module.params["name"]
    missing = missing_packages(names, query(names))
    if missing and not module.check_mode:
        if lists_are_old(time.time()):
            apt_get(module, "update")
        apt_get(module, "-o", "Dpkg::Options::=--force-confold", "--no-install-recommends", "install", *missing)
    module.exit_json(
        changed=bool(missing),
        missing=missing,
        diff={"before": "", "after": "".join(f"{name}\n" for name in missing), "after_header": "packages"},
    )


if __name__ == "__main__":
    main()
