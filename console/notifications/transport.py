"""What every channel offers: one attempt with a deadline of its own."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from console.notifications.message import Delivery, Message

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0


@dataclass(frozen=True)
class Parcel:
    """What one attempt carries: one message, or several as one summary.  ``key`` is the same at each attempt."""

    key: str
    messages: tuple[Message, ...]


class Transport(Protocol):
    """A channel with its address and its secret.  Used by one thread at a time."""

    def send(self, parcel: Parcel) -> Delivery:
        """Try once.  Raises only what is a mistake of this program; the answer may still hold secrets."""
        ...


class RefusingTransport:
    """A route that cannot be used as it is configured: every attempt says why."""

    def __init__(self, answer: Delivery) -> None:
        self._answer = answer

    def send(self, parcel: Parcel) -> Delivery:  # noqa: ARG002 — the protocol's
        """Return the reason."""
        return self._answer


def trusting(authority: Path | None) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities and the facility's own.  Raises ``OSError``."""
    context = ssl.create_default_context()
    if authority is not None:
        context.load_verify_locations(authority)
    return context
