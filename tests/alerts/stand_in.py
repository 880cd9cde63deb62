"""Routes that are no providers: they take messages as a test wants, and remember what came."""

from collections.abc import Callable
from dataclasses import dataclass, field

from console.notifications.message import Channel, Delivery, Message, Outcome, Route
from console.rules.problem import Severity

BOTH = (Severity.WARN, Severity.CRIT)


@dataclass
class StandInRoutes:
    """Two routes, one for everything and one for crit only.  ``answer`` decides on each attempt."""

    answer: Callable[[str, Message], Delivery] = lambda _route, _message: Delivery(Outcome.DELIVERED, "taken")
    routes: tuple[Route, ...] = (
        Route("hook", Channel.WEBHOOK, BOTH),
        Route("urgent", Channel.APPRISE, (Severity.CRIT,)),
    )
    came: list[tuple[str, Message]] = field(default_factory=list)
    together: list[int] = field(default_factory=list)
    left: int = 20

    def for_severity(self, severity: Severity) -> tuple[Route, ...]:
        return tuple(route for route in self.routes if severity in route.severities)

    def room(self, _route_name: str) -> int:
        return self.left

    def send(self, route_name: str, message: Message, *held: Message) -> Delivery:
        delivery = self.answer(route_name, message)
        if delivery.outcome is Outcome.DELIVERED:
            self.came += [(route_name, one) for one in (message, *held)]
            self.together.append(1 + len(held))
        return delivery

    def told(self, route: str = "hook") -> list[str]:
        """Return kind and title of what came on a route."""
        return [f"{one.kind} {one.title_en}" for name, one in self.came if name == route]
