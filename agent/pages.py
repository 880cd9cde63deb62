"""What the agent answers: metrics, facts, and a page that says what it is."""

import html
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from agent.config import Config
from agent.events import Journal
from agent.http import Request, Response, problem
from agent.long_poll import LongPoll
from agent.power.records import read_records
from agent.power.records import to_json as power_json
from agent.registry import Registry
from backup.status import (
    read_copies,
    read_progress,
    read_repositories,
    read_restores,
    read_runs,
    read_space,
    read_verifications,
    to_json,
)

logger = logging.getLogger(__name__)

SCHEMA = 1
MAX_RECORDS = 20
MAX_FACTS_BYTES = 16 * 1024 * 1024
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
LANDING = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Xinglin agent of {host}</title>
<h1>Xinglin agent of {host}</h1>
<p>Version {version}. It reads this host and changes nothing.</p>
<ul><li><a href="/metrics">Metrics</a> (Prometheus)</li><li><a href="/facts">Facts</a> (JSON)</li>
<li><a href="/events">Events</a> (JSON)</li></ul>
</html>
"""


def read_facts(path: Path) -> object:
    """Return what is in a file of JSON, such as the gathered facts; None while it cannot be read (the log says why)."""
    try:
        if path.stat().st_size > MAX_FACTS_BYTES:
            logger.warning("facts %s: more than %d bytes", path, MAX_FACTS_BYTES)
            return None
        facts: object = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        logger.warning("facts %s: %s", path, error)
        return None
    return facts


class Pages:
    """Answers the requests of one agent."""

    def __init__(
        self,
        config: Config,
        registry: Registry,
        journal: Journal,
        version: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._config = config
        self._registry = registry
        self._events = LongPoll(journal)
        self._version = version
        self._now = now

    def answer(self, request: Request) -> Response:
        """Return the page at ``request.path``."""
        match request.path:
            case "/metrics":
                return Response(HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, self._registry.scrape())
            case "/facts":
                body = json.dumps(self._facts(), ensure_ascii=False).encode()
                return Response(HTTPStatus.OK, "application/json", body)
            case "/events":
                return self._events.answer(request)
            case "/":
                page = LANDING.format(host=html.escape(self._config.host), version=html.escape(self._version))
                return Response(HTTPStatus.OK, "text/html; charset=utf-8", page.encode())
        return problem(HTTPStatus.NOT_FOUND, "there is /metrics, /facts and /events")

    def _facts(self) -> dict[str, object]:
        backups = self._config.state_directory / "backup"
        space, progress = read_space(backups / "space.json"), read_progress(backups / "progress.json")
        return {
            "schema": SCHEMA,
            "host": self._config.host,
            "generated_at": self._now().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "boot_id": BOOT_ID.read_text().strip(),
            "facts": read_facts(self._config.facts),
            "backup": {
                "runs": [to_json(run) for run in read_runs(backups / "runs")[:MAX_RECORDS]],
                "verifications": [
                    to_json(item) for item in read_verifications(backups / "verifications")[:MAX_RECORDS]
                ],
                "restores": [to_json(item) for item in read_restores(backups / "restores")[:MAX_RECORDS]],
                "repositories": [to_json(item) for item in read_repositories(backups / "repositories")],
                "copies": [to_json(item) for item in read_copies(backups / "copies")],
                "space": space and to_json(space),
                "progress": progress and to_json(progress),
                "wal": read_facts(backups / "wal.json") if (backups / "wal.json").exists() else None,
            },
            "power": {
                "boot": read_facts(self._config.boot) if self._config.boot.exists() else None,
                "records": [power_json(item) for item in read_records(self._config.power)[:MAX_RECORDS]],
            },
        }
