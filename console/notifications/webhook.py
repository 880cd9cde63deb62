"""A plain webhook: one signed HTTPS POST of JSON.

The receiver checks ``X-Xinglin-Signature: sha256=HEX`` = HMAC-SHA256(key, timestamp + "." + body) with
``X-Xinglin-Timestamp`` (Unix seconds), and drops what it has seen by ``Idempotency-Key``.
"""

import hashlib
import hmac
import json
import ssl
from collections.abc import Callable
from datetime import datetime

import urllib3
from urllib3.exceptions import HTTPError

from console.notifications import answers
from console.notifications.causes import innermost
from console.notifications.message import Delivery, Message, Outcome
from console.notifications.providers import WEBHOOK
from console.notifications.transport import CONNECT_SECONDS, READ_SECONDS, Parcel
from console.notifications.writing import marked

LARGEST_ANSWER_BYTES = 64 * 1024


class WebhookTransport:
    """One address with its key; without a key the messages are not signed."""

    def __init__(self, address: str, key: str | None, context: ssl.SSLContext, now: Callable[[], datetime]) -> None:
        self._address = address
        self._key = key
        self._now = now
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        self._pool = urllib3.PoolManager(ssl_context=context, timeout=timeout, retries=False, maxsize=1)

    def send(self, parcel: Parcel) -> Delivery:
        """Try once; a redirect is never followed: the key's owner is the configured address."""
        body = json.dumps(document(parcel), ensure_ascii=False, separators=(",", ":")).encode()
        try:
            response = self._pool.request(
                "POST",
                self._address,
                body=body,
                headers=self._headers(parcel.key, body),
                redirect=False,
                preload_content=False,
            )
            try:
                answer = response.read(LARGEST_ANSWER_BYTES)
            finally:
                response.close()
        except (HTTPError, OSError) as error:
            return Delivery(Outcome.RETRY, f"no answer: {innermost(error)}")
        return answers.judge(WEBHOOK, response.status, dict(response.headers), answer, self._now())

    def _headers(self, key: str, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Xinglin",
            "Idempotency-Key": key,
            "X-Xinglin-Timestamp": timestamp,
        }
        if self._key:
            signature = hmac.new(self._key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
            headers["X-Xinglin-Signature"] = f"sha256={signature.hexdigest()}"
        return headers


def document(parcel: Parcel) -> dict[str, object]:
    """Return what is posted: the messages in their order."""
    return {"schema": 1, "key": parcel.key, "messages": [_item(message) for message in parcel.messages]}


def _item(message: Message) -> dict[str, object]:
    return {
        "key": message.key,
        "incident_id": message.incident_id,
        "kind": message.kind.value,
        "severity": message.severity.value,
        "at": message.at.isoformat(timespec="milliseconds"),
        "facility": message.facility_zh,
        "title_zh": marked(message, "zh_CN", message.title_zh),
        "title_en": marked(message, "en", message.title_en),
        "body_zh": message.body_zh,
        "body_en": message.body_en,
        "url": message.url,
        "drill": {"id": message.drill, "url": message.drill_url} if message.drill else None,
    }
