"""kill -9 between every step: nothing is lost, nothing comes twice but what the receiver can tell by its key."""

import json
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from console.alerts.machine import Change, Sight, Standing, Timing, step
from console.rules.problem import Severity
from console.store.incidents import AlertState, Incident, Notification, NotificationAttempt
from tests.alerts.conftest import NOW

ROOT = Path(__file__).parents[2]
ROUNDS = 40
RULES = {"OB": Timing(0, 30), "LB": Timing(0, 60)}


@dataclass
class Receiver:
    """An HTTP server that keeps what it accepts, and now and then is busy."""

    chance: random.Random
    came: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def running(self) -> Iterator["Receiver"]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                busy = receiver.chance.random() < 0.15
                if not busy:
                    receiver.came.append(body)
                try:
                    self.send_response(503 if busy else 200)
                    self.end_headers()
                except OSError:
                    pass  # the sender has died

            def log_message(self, *_arguments: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_address[1]}/"
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield self
            server.shutdown()
            thread.join()


def story(chance: random.Random) -> list[dict[str, Any]]:
    """Return a bad day of the mains, a look every 15 s, and a long calm at its end."""
    flags: list[list[str]] = []
    for _ in range(20):
        flags += [["OL"]] * chance.randint(1, 6)
        flags += [["OB"]] * chance.randint(1, 3) + [["OB", "LB"]] * chance.randint(0, 2)
    ticks = [
        {"at": (NOW + timedelta(seconds=15 * number)).isoformat(), "flags": one, "silent": chance.random() < 0.1}
        for number, one in enumerate(flags)
    ]
    end = NOW + timedelta(seconds=15 * len(flags))
    calm = [(end + timedelta(minutes=13 * number)).isoformat() for number in range(12)]
    return [*ticks, *({"at": at, "flags": ["OL"], "silent": False} for at in calm)]


def expected(ticks: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many incidents of each flag the story has."""
    found = {}
    for flag, timing in RULES.items():
        standing: Standing | None = None
        changes = []
        for tick in ticks:
            sight = Sight.TRUE if flag in tick["flags"] else Sight.FALSE
            now = NOW.fromisoformat(tick["at"])
            standing, change = step(standing, sight, Severity.CRIT, timing, now)
            changes.append(change)
        assert changes.count(Change.OPENED) == changes.count(Change.RESOLVED) > 0
        found[flag] = changes.count(Change.OPENED)
    return found


def test_no_death_of_the_process_loses_or_repeats_a_message(tmp_path: Path, sessions: sessionmaker[Session]) -> None:
    seed = random.randrange(1_000_000)  # noqa: S311
    print(f"seed {seed}")  # shown when it fails
    chance = random.Random(seed)  # noqa: S311
    ticks = story(chance)
    (tmp_path / "finished").touch()
    killed_in_flight: Counter[str] = Counter()
    deaths = 0
    with Receiver(chance).running() as receiver:
        nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.alerts.nursery"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        for number in range(ROUNDS + 1):
            kill_at = 0 if number == ROUNDS else chance.randint(1, 120)
            command = {"directory": str(tmp_path), "url": receiver.url, "ticks": ticks, "kill_at": kill_at}
            nursery.stdin.write(json.dumps(command) + "\n")
            nursery.stdin.flush()
            code = json.loads(nursery.stdout.readline())["code"]
            assert code in {0, -9}
            if code == -9:
                deaths += 1
                killed_in_flight.update(json.loads((tmp_path / "epitaph").read_text()))
        nursery.stdin.close()
        assert nursery.wait() == 0
        nursery.stdout.close()
    assert deaths >= 30, (deaths, len((tmp_path / "finished").read_bytes()), len(ticks))
    with sessions() as session:
        incidents = session.scalars(select(Incident)).all()
        opened = Counter(one.rule for one in incidents)
        wanted = expected(ticks)
        assert opened == {"ups_on_battery": wanted["OB"], "ups_low_battery": wanted["LB"]}
        assert all(one.resolution == "recovered" for one in incidents)
        assert {one.phase for one in session.scalars(select(AlertState))} == {"inactive"}
        assert {one.state for one in session.scalars(select(Notification))} == {"delivered"}
        unknown = session.scalars(select(NotificationAttempt).where(NotificationAttempt.outcome.is_(None))).all()
        assert len(unknown) <= deaths
        keys = {f"{one.uid}-{kind}" for one in incidents for kind in ("opened", "resolved")}
    came = Counter(f"{one['route']} {one['key']}" for one in receiver.came)
    assert came.keys() == {f"{route} {key}" for route in ("hook", "urgent") for key in keys}
    repeated = {name: count - 1 for name, count in came.items() if count > 1}
    assert all(count <= killed_in_flight[name] for name, count in repeated.items()), (repeated, killed_in_flight)
    for one in incidents:
        for route in ("hook", "urgent"):
            names = [body["kind"] for body in receiver.came if (body["route"], body["key"][:16]) == (route, one.uid)]
            assert list(dict.fromkeys(names)) == ["opened", "resolved"]
