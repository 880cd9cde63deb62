"""The little HTTP/1.1 the agent speaks: one bounded request and one answer a connection."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl

MAX_HEAD_BYTES = 8192
MAX_TARGET_CHARACTERS = 1024
METHODS = ("GET", "HEAD")
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Response:
    """What goes back; a HEAD gets the same headers and no body."""

    status: HTTPStatus
    content_type: str
    body: bytes


@dataclass(frozen=True)
class Request:
    """Method, path and query; the agent needs no header and reads no body.

    ``peer`` is the client's address.  ``gone`` says whether it has left: asked by a page that keeps its client waiting.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    peer: str = ""
    gone: Callable[[], bool] = lambda: False


def problem(status: HTTPStatus, text: str) -> Response:
    """Return an answer that says in one line what was wrong."""
    return Response(status, TEXT, f"{text}\n".encode())


def parse_head(head: bytes) -> Request | Response:
    """Parse a request's head (up to the empty line); a Response is the refusal to send back."""
    line = head.partition(b"\r\n")[0].decode("latin-1")
    parts = line.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not parts[1].startswith("/"):
        return problem(HTTPStatus.BAD_REQUEST, "not an HTTP/1.1 request")
    method, target, _ = parts
    if len(target) > MAX_TARGET_CHARACTERS:
        return problem(HTTPStatus.REQUEST_URI_TOO_LONG, f"the address has more than {MAX_TARGET_CHARACTERS} characters")
    if method not in METHODS:
        return problem(HTTPStatus.METHOD_NOT_ALLOWED, f"only {' and '.join(METHODS)}: the agent changes nothing")
    path, _, query = target.partition("?")
    return Request(method, path, dict(parse_qsl(query, keep_blank_values=True)))


def render(response: Response, *, with_body: bool = True) -> bytes:
    """Return the bytes of a whole answer; the connection closes after it."""
    headers = [
        f"HTTP/1.1 {response.status.value} {response.status.phrase}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(response.body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    ]
    if response.status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append(f"Allow: {', '.join(METHODS)}")
    head = "\r\n".join(headers).encode() + b"\r\n\r\n"
    return head + response.body if with_body else head
