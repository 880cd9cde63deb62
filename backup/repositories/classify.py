"""From restic's exit code and words to a cause.  Exit codes of restic ≥ 0.17.1; the words are those of 0.18.

An exit code this table does not know is a failure (restic's own rule), and a code alone is not trusted: 1 can
mean anything, so the text decides first.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from backup.status import Cause

PERMANENT = (
    (re.compile(r"certificate has expired or is not yet valid"), "certificate_expired"),
    (re.compile(r"x509: |tls: failed to verify certificate"), "certificate_untrusted"),
    (re.compile(r"\b507\b|(?i:insufficient storage|no space left on device|quota exceeded)"), "repository_full"),
    (re.compile(r"Host key verification failed|no matching host key"), "copy_key_changed"),
    (
        re.compile(
            r"\(401\)|\(403\)|Permission denied \([a-z,-]+\)|Access ?Denied|SignatureDoesNotMatch"
            r"|(?i:access key id you provided does not exist|signature we calculated does not match)"
        ),
        "repository_refused",
    ),
    (re.compile(r"(?i:read-only file system)"), "repository_read_only"),
    (re.compile(r"specified bucket does not exist|NoSuchBucket"), "repository_missing"),
)
"""What restic would go on retrying for a quarter of an hour, although it cannot get better by itself."""

WORDS = (
    (re.compile(r"wrong password or no key found"), "wrong_password"),
    (re.compile(r"repository is already locked"), "repository_locked"),
    (
        re.compile(
            r"ciphertext verification failed|repository contains errors|does not match id|pack .* (missing|truncated)"
        ),
        "repository_damaged",
    ),
    (
        re.compile(
            r"connection refused|no route to host|network is unreachable|i/o timeout|no such host|connection reset"
            r"|retrying after|unexpected EOF|context deadline exceeded|\(5\d\d\)"
        ),
        "repository_unreachable",
    ),
    (re.compile(r"Is there a repository at the following location|repository does not exist"), "repository_missing"),
)

EXIT_CODES = {
    10: "repository_missing",
    11: "repository_locked",
    12: "wrong_password",
    127: "tool_missing",
    130: "interrupted",
}

RETRY = re.compile(r"retrying after (?P<wait>[0-9hms.µ]+)")
SECRET_URL = re.compile(r"(?<=://)[^/@\s:]*:[^/@\s]*@")


@dataclass(frozen=True)
class Complaint:
    """One line of restic's stderr in plain words; ``item`` is the file it is about, if any."""

    text: str
    item: str = ""


def read_complaint(line: str) -> Complaint | None:
    """Read one line of stderr, JSON or plain, into words without secrets; None for an empty line."""
    line = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line).strip()
    if not line:
        return None
    if line.startswith("{"):
        try:
            message = json.loads(line)
        except ValueError:
            return Complaint(redact(line))
        error = message.get("error")
        text = message.get("message") or (error.get("message") if isinstance(error, dict) else error) or line
        return Complaint(redact(str(text)), str(message.get("item", "")))
    return Complaint(redact(line))


def redact(text: str) -> str:
    """Remove user names and passwords from URLs in ``text``."""
    return SECRET_URL.sub("", text)


def permanent_code(text: str) -> str | None:
    """Return the cause code of a failure that waiting does not cure, also while restic still retries."""
    return next((code for pattern, code in PERMANENT if pattern.search(text)), None)


def has_given_up(text: str) -> bool:
    """Tell whether restic is waiting a minute or more between tries, which means it failed for about as long."""
    found = RETRY.search(text)
    return bool(found and re.search(r"\d[mh](?!s)", found["wait"]))


def classify(returncode: int, complaints: Iterable[Complaint], place: str) -> Cause:
    """Return why restic ended with ``returncode`` (≠ 0) at ``place``, from its exit code and complaints."""
    texts = [complaint.text for complaint in complaints]
    joined = "\n".join(texts)
    code = (
        permanent_code(joined)
        or EXIT_CODES.get(returncode)
        or next((code for pattern, code in WORDS if pattern.search(joined)), "unknown")
    )
    return Cause(code=code, place=place, detail=shorten(texts, returncode))


def shorten(texts: list[str], returncode: int) -> str:
    """Return the telling part of restic's last words in one line, at most 300 characters."""
    if not texts:
        return f"restic ended with exit code {returncode}"
    last = " ".join(texts[-1].removeprefix("Fatal: ").split("\nIs there a repository")[0].split())
    tried = [text for text in texts if "retrying after" in text]
    if tried and "context canceled" in last:
        last = " ".join(tried[-1].split())
    return last[:300]
