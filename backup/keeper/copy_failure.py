"""Names a failure as that of a further copy: it means something else to the clinic than one of the repositories."""

import contextlib
from collections.abc import Iterator

from backup.errors import BackupError
from backup.repositories.restic import Repository

OWN_CODES = {
    "repository_full": "copy_full",
    "repository_unreachable": "copy_unreachable",
    "repository_refused": "copy_refused",
    "timed_out": "copy_slow",
    "unknown": "copy_failed",
}
"""What a failure is called when it is a further copy's."""


@contextlib.contextmanager
def named_copy(target: Repository) -> Iterator[None]:
    """Name a failure as that of a further copy."""
    try:
        yield
    except BackupError as error:
        code = OWN_CODES.get(error.cause.code)
        if code is None:
            raise
        place = target.place if error.cause.code == "timed_out" else error.cause.place
        raise BackupError(code, place, error.cause.detail) from error
