"""Plain HTTPS to a restic rest-server, for what restic itself does badly or not at all.

restic retries for a quarter of an hour before it says that a server is off; one request tells it at once and
exactly, with the server's clock.  restic's ``unlock`` keeps a dead process's lock when another process got its number.
"""

import base64
import email.utils
import hashlib
import http.client
import json
import re
import ssl
import urllib.parse
from dataclasses import dataclass
from datetime import datetime

from backup.errors import BackupError
from backup.repositories.restic import Repository

TIMEOUT_SECONDS = 15.0
MAXIMUM_BODY_BYTES = 1024 * 1024
X509_EXPIRED = (9, 10)
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: its status, the server's clock (None: it does not tell), and at most 1 MiB of its body."""

    status: int
    at: datetime | None
    body: bytes


def ask(repository: Repository, method: str, path: str) -> Answer:
    """Send one request below the repository's URL.

    Raises BackupError: certificate_expired, certificate_untrusted, repository_unreachable, configuration_wrong.
    """
    url = urllib.parse.urlsplit(repository.url.removeprefix("rest:"))
    if url.scheme != "https" or not url.hostname:
        raise BackupError("configuration_wrong", repository.place, "the URL must be rest:https://HOST:PORT/NAME/")
    token = base64.b64encode(f"{repository.user}:{repository.http_password}".encode()).decode()
    try:
        context = ssl.create_default_context(cafile=str(repository.ca))
        connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=TIMEOUT_SECONDS, context=context)
    except OSError as error:
        raise BackupError("configuration_wrong", str(repository.ca), f"no usable CA certificate: {error}") from error
    try:
        connection.request(method, f"{url.path.rstrip('/')}/{path}", headers={"Authorization": f"Basic {token}"})
        response = connection.getresponse()
        return Answer(response.status, _date(response.getheader("Date")), response.read(MAXIMUM_BODY_BYTES))
    except ssl.SSLCertVerificationError as error:
        code = "certificate_expired" if error.verify_code in X509_EXPIRED else "certificate_untrusted"
        raise BackupError(code, repository.place, error.verify_message) from error
    except (OSError, http.client.HTTPException) as error:
        raise BackupError("repository_unreachable", repository.place, str(error) or type(error).__name__) from error
    finally:
        connection.close()


def request(repository: Repository, method: str, path: str) -> int:
    """Return only the HTTP status of ``ask``."""
    return ask(repository, method, path).status


def require(repository: Repository) -> Answer:
    """Raise BackupError unless the server answers, its certificate is good and it has this repository for us."""
    answer = ask(repository, "HEAD", "config")
    status = answer.status
    if status == http.HTTPStatus.NOT_FOUND:
        raise BackupError("repository_missing", repository.place, "HTTP 404")
    if status in {http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN}:
        raise BackupError("repository_refused", repository.place, f"HTTP {status}")
    if status != http.HTTPStatus.OK:
        raise BackupError("repository_unreachable", repository.place, f"HTTP {status}")
    return answer


def lock_ids(repository: Repository) -> set[str]:
    """Return the ids of the repository's locks without opening it, which would cost restic half a second."""
    answer = ask(repository, "GET", "locks/")
    if answer.status == http.HTTPStatus.NOT_FOUND:
        return set()
    if answer.status != http.HTTPStatus.OK:
        raise BackupError("repository_unreachable", repository.place, f"list of locks: HTTP {answer.status}")
    return {str(item) for item in json.loads(answer.body or b"[]") or []}


def is_lock_whole(repository: Repository, lock_id: str) -> bool | None:
    """Tell whether a lock's content is what its name, a SHA-256, says; None when it is gone.  Raises BackupError.

    The server gives a file its name only when it has all of it, so this is never a lock that is just being written.
    """
    answer = ask(repository, "GET", f"locks/{lock_id}")
    if answer.status == http.HTTPStatus.NOT_FOUND:
        return None
    if answer.status != http.HTTPStatus.OK:
        raise BackupError("repository_unreachable", repository.place, f"lock {lock_id[:8]}: HTTP {answer.status}")
    return hashlib.sha256(answer.body).hexdigest() == lock_id


def delete_lock(repository: Repository, lock_id: str) -> None:
    """Delete exactly one lock, which append-only servers allow; raises BackupError when it is refused."""
    if not re.fullmatch(r"[0-9a-f]{64}", lock_id):
        raise ValueError(f"not a lock id: {lock_id}")
    status = request(repository, "DELETE", f"locks/{lock_id}")
    if status != http.HTTPStatus.OK:
        raise BackupError("repository_locked", repository.place, f"lock {lock_id[:8]}: HTTP {status}")


def _date(header: str | None) -> datetime | None:
    try:
        return email.utils.parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
