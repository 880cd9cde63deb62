"""``GET /events?after=SEQ&stream=ID&wait=SECONDS``: the journal's news, as soon as there are any."""

import json
import threading
from collections import Counter
from http import HTTPStatus

from agent.events import Journal
from agent.http import Request, Response, problem

MAX_WAIT_SECONDS = 25.0
MAX_WAITING = 8
MAX_WAITING_PER_ADDRESS = 2
"""Fewer than the server's connections, so that scrapes always find a place."""


class LongPoll:
    """Answers ``/events`` from ``journal`` and bounds who may wait."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._waiting: Counter[str] = Counter()

    def answer(self, request: Request) -> Response:
        """Return the events; 400 for numbers that are none, 429 for a client that already waits twice."""
        try:
            after, seconds = int(request.query.get("after", "0")), float(request.query.get("wait", "0"))
        except ValueError:
            return problem(HTTPStatus.BAD_REQUEST, "'after' is a whole number, 'wait' a number of seconds")
        if after < 0 or not 0 <= seconds <= MAX_WAIT_SECONDS:
            return problem(HTTPStatus.BAD_REQUEST, f"'after' is 0 or more, 'wait' 0 to {MAX_WAIT_SECONDS:g} seconds")
        stream = request.query.get("stream", "")
        if not seconds or request.method == "HEAD":
            return _response(self._journal, after, stream, 0, request)
        if not self._claim(request.peer):
            return problem(HTTPStatus.TOO_MANY_REQUESTS, "too many clients wait for events; ask again without 'wait'")
        try:
            return _response(self._journal, after, stream, seconds, request)
        finally:
            self._release(request.peer)

    def _claim(self, address: str) -> bool:
        with self._lock:
            if self._waiting.total() >= MAX_WAITING or self._waiting[address] >= MAX_WAITING_PER_ADDRESS:
                return False
            self._waiting[address] += 1
            return True

    def _release(self, address: str) -> None:
        with self._lock:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]


def _response(journal: Journal, after: int, stream: str, seconds: float, request: Request) -> Response:
    document = journal.wait(after, stream, seconds, request.gone).document()
    return Response(HTTPStatus.OK, "application/json", json.dumps(document, ensure_ascii=False).encode())
