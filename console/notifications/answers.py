"""Judge what a provider answered: delivered, try again, or refused."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from console.notifications.message import Delivery, Outcome
from console.notifications.providers import Provider

BUSY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
LONGEST_REST_SECONDS = 3600.0
BUSY_SECONDS = 60.0
WORDS = ("errmsg", "msg", "message", "StatusMessage", "error", "detail")
WORST = (Outcome.REFUSED, Outcome.RETRY, Outcome.DELIVERED)


def judge(provider: Provider, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery:
    """Return what an answer means.  The code in its body weighs more than its HTTP status, which may be a plain 200."""
    document = _document(body)
    code = next((one for key in provider.keys if (one := _number(document.get(key))) is not None), None)
    told = _told(provider, status, document, body)
    rest = _rest(headers, now)
    if status in BUSY or status >= 500:
        return Delivery(Outcome.RETRY, told, rest)
    if code is not None and code not in provider.fine:
        return _failed(provider, code, told, rest, unknown=Outcome.RETRY if 200 <= status < 300 else Outcome.REFUSED)
    if not 200 <= status < 300:
        if 300 <= status < 400:
            told += ". It points elsewhere, and nothing follows it. Next: enter the final address"
        return Delivery(Outcome.REFUSED, told)
    if False in (document.get("ok"), document.get("success")):
        return Delivery(Outcome.RETRY, told, rest)
    if code is None and provider.required:
        return Delivery(Outcome.RETRY, f"{told}. This is not an answer of {provider.name}: is there a proxy between?")
    return Delivery(Outcome.DELIVERED, told)


def worst(deliveries: Iterable[Delivery]) -> Delivery:
    """Return the worst of several answers to one message."""
    return min(deliveries, key=lambda one: WORST.index(one.outcome))


def _failed(provider: Provider, code: int, told: str, rest: float | None, *, unknown: Outcome) -> Delivery:
    if code in provider.temporary:
        return Delivery(Outcome.RETRY, told, rest or provider.temporary[code])
    if any(word in told.lower() for word in provider.busy_words):
        return Delivery(Outcome.RETRY, told, rest or BUSY_SECONDS)
    if code in provider.permanent:
        return Delivery(Outcome.REFUSED, f"{told}. {provider.permanent[code]}")
    return Delivery(unknown, told, rest if unknown is Outcome.RETRY else None)


def _document(body: bytes) -> dict[str, object]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def _told(provider: Provider, status: int, document: dict[str, object], body: bytes) -> str:
    """Return the answer in one line: ``HTTP 200, errcode 93000: invalid webhook url``."""
    code = next((f"{key} {document[key]}" for key in provider.keys if key in document), "")
    words = next((str(document[key]) for key in WORDS if document.get(key)), "")
    if not document:
        words = body[:300].decode(errors="replace")
    return f"HTTP {status}{', ' if code else ''}{code}{': ' if words else ''}{words}"


def _rest(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return ``Retry-After`` (RFC 9110 10.2.3) in seconds, at most an hour; what cannot be read counts as absent."""
    value = next((text for key, text in headers.items() if key.lower() == "retry-after"), "").strip()
    if value.isdecimal():
        seconds = float(value[:9])
    else:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_REST_SECONDS)
