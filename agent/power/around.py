"""What is looked at when everybody is back: services by TCP, and each host's own report of its last boot."""

import http.client
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from agent.power.plan import Host, ReturnCheck
from agent.power.records import Check
from agent.power.state import Boot, Database, Findings

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 3.0
AGAIN_SECONDS = 2.0
MAX_BYTES = 16 * 1024 * 1024
CLOCK_SLACK = timedelta(seconds=5)
Report = Callable[[Host], "Boot | None"]


def boot_of(document: Any) -> Boot | None:  # noqa: ANN401 - JSON of another host
    """Return the boot report in an agent's facts; None when there is none that can be read."""
    try:
        boot = document["power"]["boot"]
        end = boot["previous"].get("ended_at")
        return Boot(
            boot_id=str(boot["boot_id"]),
            booted_at=datetime.fromisoformat(boot["booted_at"]),
            previous_clean=boot["previous"].get("clean"),
            previous_end_at=datetime.fromisoformat(end) if end else None,
            databases=tuple(
                Database(str(one["name"]), one["clean"], bool(one["accepts"]), str(one.get("evidence", "")))
                for one in boot["databases"]
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def facts_report(tls: ssl.SSLContext) -> Report:
    """Return how to ask a host's agent for its boot report, over mutual TLS."""

    def report(host: Host) -> Boot | None:
        try:
            with socket.create_connection((host.address, host.port), CONNECT_SECONDS) as plain:
                plain.settimeout(CONNECT_SECONDS)
                with tls.wrap_socket(plain, server_hostname=host.name) as channel:
                    request = f"GET /facts HTTP/1.1\r\nHost: {host.name}\r\nConnection: close\r\n\r\n"
                    channel.sendall(request.encode("ascii"))
                    answer = http.client.HTTPResponse(channel)
                    answer.begin()
                    return boot_of(json.loads(answer.read(MAX_BYTES)))
        except (OSError, http.client.HTTPException, ValueError) as error:
            logger.info("%s: no boot report yet: %s", host.name, error)
            return None

    return report


def answers(check: ReturnCheck) -> str:
    """Return "" when the service takes a connection, else why not."""
    try:
        socket.create_connection((check.address, check.tcp), CONNECT_SECONDS).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


class LookingAround:
    """Asks in a thread of its own, again and again until all is well or the time is over; then ``findings`` is set."""

    def __init__(
        self, checks: Sequence[ReturnCheck], hosts: Sequence[Host], since: datetime, seconds: float, report: Report
    ) -> None:
        self._checks = checks
        self._hosts = hosts
        self._since = since - CLOCK_SLACK
        self._seconds = seconds
        self._report = report
        self._stop = threading.Event()
        self.findings: Findings | None = None
        self._thread = threading.Thread(target=self._run, name="look-around", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._stop.set()

    def _run(self) -> None:
        deadline = time.monotonic() + self._seconds
        troubles: Mapping[str, str] = {}
        boots: dict[str, Boot] = {}
        while True:
            troubles = {check.name: answers(check) for check in self._checks}
            for host in self._hosts:
                boot = self._report(host)
                if boot is not None and boot.booted_at >= self._since:
                    boots[host.name] = boot
            ready = all(all(one.accepts for one in boot.databases) for boot in boots.values())
            done = not any(troubles.values()) and len(boots) == len(self._hosts) and ready
            if done or time.monotonic() >= deadline or self._stop.wait(AGAIN_SECONDS):
                break
        checks = tuple(Check(f"service:{name}", not trouble, trouble) for name, trouble in troubles.items())
        self.findings = Findings(checks, boots)
