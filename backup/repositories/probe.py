"""Asks a repository's server to delete what does not exist: it must refuse, or this host's key could delete backups."""

import http
from enum import Enum, auto

from backup.errors import BackupError
from backup.repositories import rest_server
from backup.repositories.restic import Repository

NOTHING = "0" * 64
"""No content has this SHA-256.  The watch on the server knows these two requests and raises no alarm for them."""
PROBES = (f"data/{NOTHING}", f"snapshots/{NOTHING}")
REFUSED = {http.HTTPStatus.FORBIDDEN, http.HTTPStatus.METHOD_NOT_ALLOWED}
ALLOWED = {http.HTTPStatus.OK, http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_FOUND}


class Protection(Enum):
    """What the server's answers mean."""

    PROTECTED = auto()
    NONE = auto()
    UNKNOWN = auto()


def require_append_only(repository: Repository) -> Protection:
    """Tell whether the server refuses deletion; raises BackupError ``not_append_only`` when it does not."""
    try:
        answers = {path: rest_server.request(repository, "DELETE", path) for path in PROBES}
    except BackupError:
        return Protection.UNKNOWN
    for path, status in answers.items():
        if status in ALLOWED:
            raise BackupError("not_append_only", repository.place, f"DELETE {path.partition('/')[0]}: HTTP {status}")
    return Protection.PROTECTED if set(answers.values()) <= REFUSED else Protection.UNKNOWN
