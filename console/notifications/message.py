"""What is told, by which route, and what became of it: the seam between the alerts' outbox and the transports."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from console.rules.problem import Severity


class Kind(StrEnum):
    """Why people are told."""

    OPENED = "opened"
    WORSENED = "worsened"
    RESOLVED = "resolved"
    DRILL = "drill"  # what was told belongs to a drill
    REAL = "real"  # it does not any more, and goes on
    TEST = "test"


class Channel(StrEnum):
    """How a route carries its messages."""

    APPRISE = "apprise"
    EMAIL = "email"
    WEBHOOK = "webhook"


class Outcome(StrEnum):
    """What became of one attempt."""

    DELIVERED = "delivered"  # the provider itself said so
    RETRY = "retry"  # not now: unreachable, busy, a rate limit; or nobody knows
    REFUSED = "refused"  # it will never be taken: a wrong key, an unknown recipient


@dataclass(frozen=True)
class Message:
    """One transition of one incident, ready to be read.

    ``key`` is the same at each attempt and on each route: a receiver that has seen it may drop the repeat.
    ``url`` is the incident's page.  ``incident_id`` is None in a test.
    ``drill`` is the power drill that it belonged to at this transition, ``drill_url`` the page of its record.
    """

    key: str
    incident_id: int | None
    kind: Kind
    severity: Severity
    at: datetime
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    facility_zh: str
    url: str
    drill: str | None = None
    drill_url: str | None = None


@dataclass(frozen=True)
class Delivery:
    """What became of one attempt, with the provider's own ``answer`` in one line without secrets.

    ``retry_after_seconds``, with ``Outcome.RETRY`` only: how long the provider or our own rate limit wants to rest;
    None leaves it to the outbox.
    """

    outcome: Outcome
    answer: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True)
class Route:
    """One way to people.  Its secret is not here."""

    name: str
    channel: Channel
    severities: tuple[Severity, ...]


class Routes(Protocol):
    """What the outbox asks for.  All methods may be called from several threads at once."""

    def for_severity(self, severity: Severity) -> tuple[Route, ...]:
        """Return the routes that want incidents of ``severity``."""
        ...

    def room(self, route_name: str) -> int:
        """Return how many sends the route's rate limit leaves at this moment.

        Where more messages are due than there is room for, give all that are over to the last ``send`` together.
        """
        ...

    def send(self, route_name: str, message: Message, *held: Message) -> Delivery:
        """Try once to send ``message``, together with all that was ``held`` as one summary; one delivery for all.

        Blocks for 30 s at most, so give every route a thread of its own; never raises for what a provider does.
        A route that no longer exists refuses.
        """
        ...
