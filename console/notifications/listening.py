"""Hear what apprise's plugins are answered: apprise itself looks at the HTTP status only and throws the answer away.

apprise 2.2 offers no way to the response.  All its plugins ask through ``requests``, so ``requests.Session.send`` is
wrapped once for the process; it keeps what it hears only inside ``listening()`` of the same context.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from urllib.parse import urlsplit

import requests

from console.notifications.causes import innermost

LARGEST_BODY_BYTES = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """One response, or the ``error`` that came in its place."""

    host: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""


@dataclass
class Heard:
    """All answers in their order, and the warnings that apprise wrote."""

    answers: list[Answer] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


_heard: ContextVar[Heard | None] = ContextVar("heard", default=None)
_send = requests.Session.send


@wraps(_send)
def _listening_send(self: requests.Session, request: requests.PreparedRequest, **options: object) -> requests.Response:
    heard = _heard.get()
    host = urlsplit(request.url or "").hostname or ""
    try:
        response = _send(self, request, **options)
    except (requests.RequestException, OSError) as error:
        if heard is not None:
            heard.answers.append(Answer(host, error=innermost(error)))
        raise
    if heard is not None:
        body = response.content[:LARGEST_BODY_BYTES]
        heard.answers.append(Answer(host, response.status_code, dict(response.headers), body))
    return response


class _Ear(logging.Filter):
    """Keeps apprise's warnings for who is listening; they may hold secrets, so nobody else gets them."""

    def filter(self, record: logging.LogRecord) -> bool:
        heard = _heard.get()
        if heard is not None and record.levelno >= logging.WARNING:
            heard.warnings.append(record.getMessage())
        return False


@contextmanager
def listening() -> Iterator[Heard]:
    """Keep what is answered in this context, until its end."""
    heard = Heard()
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def _install() -> None:
    setattr(requests.Session, "send", _listening_send)  # noqa: B010 — a method of somebody else's class
    logging.getLogger("apprise").addFilter(_Ear())  # its messages hold addresses with keys
    # At DEBUG it writes the path and the query of every request.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


_install()
