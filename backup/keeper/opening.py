"""Opens a repository; one that cannot be opened at all is moved aside whole and made anew."""

import logging
from collections.abc import Mapping
from datetime import datetime

from backup.errors import BackupError
from backup.keeper import tools
from backup.keeper.heal import Work, named_offsite, set_broken_aside
from backup.repositories import repository, rest_server

logger = logging.getLogger(__name__)


def open_or_renew(work: Work, seen: Mapping[str, str], moment: datetime) -> bool:
    """See that the repository opens; True when it had to be made anew.

    A damaged key file keeps the good ones from being tried, so it goes aside first.  Made anew is only what is
    destroyed beyond doubt: a password that fits none of the whole key files is a mistake of ours, not of the disk.

    Raises BackupError: wrong_password, repository_missing, offsite_unreachable, …
    """
    directory = work.aside.repository
    holds_something = any(path.is_file() for path in directory.glob("[!s]*/**/*")) or (directory / "config").exists()
    set_broken_aside(work.aside, seen, ("keys",), moment)
    try:
        tools.remove_stale_locks(directory, work.target)
        repository.require_password(work.target)
        return False
    except BackupError as error:
        if not _is_destroyed(work, error):
            raise
        if not holds_something and work.other is None:
            raise
    if work.other:
        with named_offsite(work.other):
            rest_server.require(work.other)
            repository.require_password(work.other)
    if holds_something:
        logger.error("%s cannot be opened: moved aside whole", directory)
        work.aside.put_whole(moment)
    directory.mkdir(mode=0o700, exist_ok=True)
    repository.init(work.target, work.other)
    return True


def _is_destroyed(work: Work, error: BackupError) -> bool:
    directory = work.aside.repository
    if error.cause.code == "repository_missing" or not any((directory / "keys").glob("*")):
        return True
    return "config or key" in error.cause.detail and "is damaged" in error.cause.detail
