"""The one error of this room: it carries the cause that people will read."""

from backup.status import Cause


class BackupError(Exception):
    """Something a person must know about; ``cause`` holds code, place and detail."""

    def __init__(self, code: str, place: str, detail: str) -> None:
        super().__init__(f"{code}: {place}: {detail}")
        self.cause = Cause(code=code, place=place, detail=detail)
