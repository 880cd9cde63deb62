"""Commands that root types must not leave root's files in the console's directory."""

import os
import pwd
from pathlib import Path


def become_owner(directory: Path) -> None:
    """When this is root and ``directory`` belongs to another user, become that user for the rest of the process.

    A store or audit file made by root would lock the console's own services out.
    """
    if os.geteuid() != 0 or not directory.exists():
        return
    owner = directory.stat()
    if owner.st_uid == 0:
        return
    name = pwd.getpwuid(owner.st_uid).pw_name
    os.initgroups(name, owner.st_gid)
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)
