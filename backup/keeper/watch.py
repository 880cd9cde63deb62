"""Every five minutes: the space of the repositories, the ballast, and whether somebody tried to delete."""

import contextlib
import errno
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from backup.errors import BackupError
from backup.keeper import copies, space
from backup.keeper.config import KeeperConfig
from backup.keeper.round import heal_interrupted
from backup.repositories import locks
from backup.status import (
    Outcome,
    RefusedDelete,
    SpaceState,
    read_copies,
    read_repositories,
    read_space,
    write_repository,
    write_space,
)

logger = logging.getLogger(__name__)

REFUSED_KEPT = 50


def watch(config: KeeperConfig, refused: Sequence[RefusedDelete], now: Callable[[], datetime]) -> SpaceState:
    """Measure, keep or give up the ballast, publish the free space to the hosts; return what is also in space.json.

    ``refused`` are the refused deletions that are new, or that an interrupted call may have stored already.
    Raises OSError when the disk cannot be measured or written.
    """
    earlier = read_space(config.space)
    # Before anything is written: the disk may be full.
    ballast_bytes, released_at = _keep_ballast(config, earlier.released_at if earlier else None, now())
    _close_interrupted(config, now())
    measured = space.measure(config.directory)
    growth = space.growth_bytes_per_day(read_repositories(config.repositories))
    for kept in config.hosts:
        if config.path(kept.host).is_dir():
            try:
                space.publish(config.path(kept.host), measured.free, now())
            except OSError as error:
                logger.warning("free space not published to %s: %s", kept.host, error)
    known = dict.fromkeys((*(earlier.refused_deletes if earlier else ()), *refused))
    state = SpaceState(
        server=config.server,
        at=now(),
        path=str(config.directory),
        total_bytes=measured.total,
        free_bytes=measured.free,
        ballast_bytes=ballast_bytes,
        released_at=released_at,
        growth_bytes_per_day=growth,
        days_until_full=space.days_until_full(measured.free, growth),
        refused_deletes=tuple(sorted(known, key=lambda item: item.at))[-REFUSED_KEPT:],
    )
    write_space(config.space, state)
    return state


def _keep_ballast(config: KeeperConfig, released_at: datetime | None, moment: datetime) -> tuple[int, datetime | None]:
    """Give the ballast up on a full disk and make it again when there is room; return its size and since when not."""
    path = config.directory / f".{space.BALLAST}"
    measured = space.measure(config.directory)
    size, present = space.ballast_size(config.ballast_bytes, measured.total), space.size_or_zero(path)
    if present and space.is_full(measured, present):
        path.unlink()
        logger.error("%s is full: gave up the ballast of %d bytes", config.directory, present)
        return 0, moment
    if size and not present and measured.free > space.ROOM_FACTOR * size:
        try:
            space.make_ballast(path, size)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            return 0, released_at
        return size, None
    return present, None if present else released_at


def _close_interrupted(config: KeeperConfig, moment: datetime) -> None:
    """Tell the truth about a round that died: while nobody holds the mutex, none is going on."""
    if read_copies(config.copies_directory):
        with contextlib.suppress(BackupError), locks.mutex(config.copies_mutex):
            copies.tidy(config, moment)
    running = [state for state in read_repositories(config.repositories) if state.outcome is Outcome.RUNNING]
    if not running:
        return
    try:
        with locks.mutex(config.mutex):
            for state in read_repositories(config.repositories):
                if state.outcome is Outcome.RUNNING:
                    write_repository(config.repositories, heal_interrupted(state, moment))
    except BackupError as error:
        if error.cause.code != "already_running":
            raise
