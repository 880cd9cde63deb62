"""A process that is forked for each round of the crash test, and dies where it is told to.

The fork saves the imports; the death is SIGKILL between two steps: before and after each SQL statement, each commit
and each HTTP request.  Commands come as JSON lines on stdin, each answered by one line.
"""

import json
import os
import signal
import sys
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from console.alerts import outbox
from console.alerts.engine import Alerts
from console.alerts.rulebook import load_rules
from console.alerts.sender import Sender
from console.notifications.message import Delivery, Message, Outcome
from console.store.database import durable, open_engine, session_factory, sqlite_url
from tests.alerts.conftest import NOW, clinic, ups
from tests.alerts.stand_in import StandInRoutes
from tests.clock import Clock

BOOK = load_rules()


class Death:
    """Counts the steps and kills this process at its own."""

    def __init__(self, at: int, epitaph: Path) -> None:
        self.left = at
        self.epitaph = epitaph
        self.in_flight: list[str] = []  # sent to the receiver, not yet written down

    def step(self, *_arguments: object) -> None:
        self.left -= 1
        if self.left == 0:
            self.epitaph.write_text(json.dumps(self.in_flight))
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, engine: Engine) -> None:
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(engine, name, self.step)
        event.listen(Session, "after_commit", self.committed)

    def committed(self, _session: Session) -> None:
        self.in_flight.clear()
        self.step()


class HttpStandInRoutes(StandInRoutes):
    """Posts to the test's own receiver."""

    def __init__(self, url: str, death: Death) -> None:
        super().__init__()
        self.url = url
        self.death = death

    def send(self, route_name: str, message: Message, *held: Message) -> Delivery:
        assert not held
        name = f"{route_name} {message.key}"
        body = json.dumps({"route": route_name, "key": message.key, "kind": message.kind, "title": message.title_en})
        request = urllib.request.Request(self.url, body.encode())  # noqa: S310
        self.death.step()
        self.death.in_flight.append(name)
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310
                self.death.step()
                return Delivery(Outcome.DELIVERED, f"HTTP {answer.status}")
        except HTTPError as error:
            error.close()
            self.death.in_flight.remove(name)
            return Delivery(Outcome.RETRY, f"HTTP {error.code}")


def live(directory: Path, url: str, ticks: list[dict[str, Any]], kill_at: int) -> None:
    """Go through the ticks that no earlier life has finished."""
    death = Death(kill_at, directory / "epitaph")
    engine = open_engine(sqlite_url(directory))
    death.watch(engine)
    sessions, clock = session_factory(engine), Clock(NOW)
    routes = HttpStandInRoutes(url, death)
    alerts = Alerts(clinic(directory), BOOK, sessions, routes, lambda: None)
    sender = Sender(sessions, routes, clock, lambda: None)
    with durable(sessions) as session:
        outbox.free_orphans(session)
    finished = directory / "finished"
    while (number := len(finished.read_bytes())) < len(ticks):
        tick = ticks[number]
        clock.moment = datetime.fromisoformat(tick["at"])
        for samples in (ups(*tick["flags"]), None) if tick["silent"] else (ups(*tick["flags"]),):
            alerts.take("appliance1", samples, clock())
        for route in routes.routes:
            sender.send_due(route.name)
        with finished.open("ab") as file:
            file.write(b".")
        clock.moment += timedelta(seconds=1)


def main() -> None:
    """Fork one life for each command."""
    for line in sys.stdin:
        command = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                live(Path(command["directory"]), command["url"], command["ticks"], command["kill_at"])
                os._exit(0)
            except BaseException as error:  # the forked half must never return
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(1)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
