"""What smbclient says while it reads a share, and what that means.  Pure; words of smbclient 4.17 to 4.22.

Its exit code does not tell: 0 with files that it could not open, 1 with a directory it may not list, and 0 with a file
whose reading broke off, which is then in the archive with zeros to its full size.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

OPENING = re.compile(r"(?P<status>NT_STATUS_\w+) (?:opening remote file|listing) (?P<path>\\.*)")
READING = re.compile(r"Error reading file (?P<path>.*) : (?P<status>NT_STATUS_\w+)")
STATUS = re.compile(r"NT_STATUS_\w+")
EXPECTED = re.compile(r"tar: dumped |Total bytes (written|received)|tar:\d+\s+do_list fail|^\s*$|^Try \"help\"")

REFUSED = {
    "NT_STATUS_LOGON_FAILURE",
    "NT_STATUS_ACCOUNT_DISABLED",
    "NT_STATUS_ACCOUNT_LOCKED_OUT",
    "NT_STATUS_ACCOUNT_EXPIRED",
    "NT_STATUS_ACCOUNT_RESTRICTION",
    "NT_STATUS_INVALID_LOGON_HOURS",
    "NT_STATUS_INVALID_WORKSTATION",
    "NT_STATUS_LOGON_TYPE_NOT_GRANTED",
    "NT_STATUS_NO_SUCH_USER",
    "NT_STATUS_PASSWORD_EXPIRED",
    "NT_STATUS_PASSWORD_MUST_CHANGE",
    "NT_STATUS_WRONG_PASSWORD",
}
MISSING = {"NT_STATUS_BAD_NETWORK_NAME", "NT_STATUS_BAD_NETWORK_PATH"}
AWAY = re.compile(
    r"NT_STATUS_(CONNECTION_\w+|HOST_UNREACHABLE|NETWORK_\w+|IO_TIMEOUT|UNSUCCESSFUL|NOT_FOUND|INVALID_NETWORK_RESPONSE"
    r"|USER_SESSION_DELETED|NETWORK_NAME_DELETED|VIRTUAL_CIRCUIT_CLOSED|END_OF_FILE|PIPE_\w+|RESOURCE_NAME_NOT_FOUND)\b"
)
GONE = {"NT_STATUS_OBJECT_NAME_NOT_FOUND", "NT_STATUS_OBJECT_PATH_NOT_FOUND", "NT_STATUS_NO_SUCH_FILE"}
WORDS = {
    "NT_STATUS_ACCESS_DENIED": "no right to read it",
    "NT_STATUS_SHARING_VIOLATION": "another program holds it",
    "NT_STATUS_FILE_LOCK_CONFLICT": "another program has locked part of it",
    "NT_STATUS_DELETE_PENDING": "it is being deleted",
}


@dataclass(frozen=True)
class Unread:
    """A file or directory that is not in the archive, or (``partial``) not with its whole content."""

    path: str
    why: str
    partial: bool = False

    @property
    def text(self) -> str:
        """One line for people."""
        return f"{self.path}: {self.why}"


@dataclass(frozen=True)
class Judgement:
    """``code`` (None: the archive is good but for ``unread``) and its detail."""

    code: str | None
    detail: str
    unread: tuple[Unread, ...]


def judge(returncode: int, lines: Sequence[str]) -> Judgement:
    """Return what smbclient's words and exit code mean."""
    unread, other = [], []
    for line in lines:
        found = READING.search(line) or OPENING.search(line)
        if found and not AWAY.search(line):
            unread.append(_unread(found["path"], found["status"], READING.search(line) is not None))
        elif not EXPECTED.search(line) or AWAY.search(line):
            other.append(" ".join(line.split()))
    root = next((item for item in unread if item.path == "*"), None)
    if root:
        return Judgement("share_refused", f"the share's own directory: {root.why}", tuple(unread))
    if other or (returncode and not unread):
        return Judgement(
            _code(other), "; ".join(other[:3])[:300] or f"smbclient ended with {returncode}", tuple(unread)
        )
    return Judgement(None, "", tuple(unread))


def is_lost(lines: Sequence[str]) -> bool:
    """Tell whether smbclient has said that the connection is gone."""
    return any(AWAY.search(line) for line in lines)


def _unread(path: str, status: str, partial: bool) -> Unread:
    shown = path.strip().replace("\\", "/").removeprefix("/")
    shown = shown.removesuffix("*") if shown.endswith("/*") else shown
    why = "vanished while the share was read" if status in GONE else WORDS.get(status, status)
    return Unread(shown, f"read only in part: {why}" if partial else why, partial)


def _code(texts: Sequence[str]) -> str:
    said = {status for text in texts for status in STATUS.findall(text)}
    if said & REFUSED or any("ACCESS_DENIED" in text and "tree connect" in text for text in texts):
        return "share_refused"
    if said & MISSING:
        return "share_missing"
    return "share_unreachable" if any(AWAY.search(text) for text in texts) else "share_failed"
