"""The power daemon and a real agent: who is there, what it tells of its last boot; the daemon as systemd starts it."""

import json
import os
import signal
import socket
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.config import Tls
from agent.power import around, reach
from agent.power.around import LookingAround, facts_report
from agent.power.boot import write_report
from agent.power.daemon import client_context
from agent.power.plan import Host, ReturnCheck
from agent.power.reach import Reach, tls_probe
from tests.agent.pki import Authority
from tests.agent.ports import free_port
from tests.agent.process import command, running_agent, write_config
from tests.power.test_parts import CONFIG


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def tls_of(authority: Authority, name: str) -> Tls:
    issued = authority.issue(name)
    return Tls(authority.certificate, issued.certificate, issued.key)


def test_an_agent_is_greeted_and_tells_of_its_boot(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reach, "HANDSHAKE_SECONDS", 30)  # it is asked once here: a busy agent may take its time
    monkeypatch.setattr(around, "CONNECT_SECONDS", 30)
    context = client_context(tls_of(authority, "appliance1"))
    path = write_config(tmp_path, authority, authority.issue("his1"))
    port = json.loads(path.read_text())["port"]
    his1, impostor = Host("his1", "127.0.0.1", port), Host("ws1", "127.0.0.1", port)
    probe, report = tls_probe(context), facts_report(context)
    assert probe(his1) is Reach.NETWORK, "a closed port is an answer of the host's kernel"
    assert report(his1) is None
    with running_agent(tmp_path, path):
        assert probe(his1) is Reach.SERVING
        assert probe(impostor) is Reach.NETWORK, "another's certificate is not that host's agent"
        assert report(his1) is None, "no report yet"
        since = datetime.now(UTC)
        write_report(tmp_path / "power", "boot", since, lambda: ())
        check = ReturnCheck("agent", "his1", "127.0.0.1", port)
        looking = LookingAround([check], [his1], since, 60, report)
        looking._thread.join(90)
    assert looking.findings is not None
    assert [(one.name, one.passed) for one in looking.findings.checks] == [("service:agent", True)]
    assert looking.findings.boots["his1"].boot_id == "boot"


def test_a_host_that_is_frozen_answers_as_a_network_only(authority: Authority):
    probe = tls_probe(client_context(tls_of(authority, "appliance1")))
    with socket.create_server(("127.0.0.1", 0)) as frozen:  # the kernel takes the connection, nobody reads it
        assert probe(Host("his1", "127.0.0.1", frozen.getsockname()[1])) is Reach.NETWORK


def test_a_host_without_a_new_report_is_not_waited_for_beyond_the_time(authority: Authority):
    asked = threading.Event()

    def old_report(_host: Host) -> None:
        asked.set()

    looking = LookingAround([], [Host("his1", "127.0.0.1", 9)], datetime.now(UTC), 0.1, old_report)
    looking._thread.join(60)
    assert asked.is_set()
    assert looking.findings is not None
    assert looking.findings.boots == {}


def test_the_daemon_starts_without_upsd_says_that_it_is_ready_and_ends_at_sigterm(authority: Authority, tmp_path: Path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    issued = authority.issue("a")
    for name, source in (("ca.crt", authority.certificate), ("host.crt", issued.certificate), ("host.key", issued.key)):
        (credentials / name).write_bytes(source.read_bytes())
    (credentials / "upsd-password").write_text("p-0f6d\n")
    config = json.loads(json.dumps(CONFIG)) | {"state_directory": str(tmp_path)}
    config["upsd"]["port"] = free_port()
    (tmp_path / "power.json").write_text(json.dumps(config))
    address = tmp_path / "notify.sock"
    environment = {**os.environ, "CREDENTIALS_DIRECTORY": str(credentials), "NOTIFY_SOCKET": str(address)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(60)
        daemon = subprocess.Popen(
            command("power", "serve", "--config", str(tmp_path / "power.json")), env=environment, stderr=subprocess.PIPE
        )
        try:
            assert manager.recv(100) == b"READY=1"
        finally:
            daemon.send_signal(signal.SIGTERM)
            _, log = daemon.communicate(timeout=60)
        assert manager.recv(100) == b"STOPPING=1"
    assert daemon.returncode == 0
    assert b"p-0f6d" not in log
    assert log.count(b"upsd: refused") <= 1, "a trouble is told once"


@pytest.mark.parametrize(("missing", "said"), [("upsd-password", b"upsd-password"), ("host.key", b"pki.yml")])
def test_a_daemon_without_its_credentials_names_them(authority: Authority, tmp_path: Path, missing: str, said: bytes):
    issued = authority.issue("a")
    for name, source in (("ca.crt", authority.certificate), ("host.crt", issued.certificate), ("host.key", issued.key)):
        (tmp_path / name).write_bytes(source.read_bytes())
    (tmp_path / "upsd-password").write_text("x")
    (tmp_path / missing).unlink()
    (tmp_path / "power.json").write_text(json.dumps(CONFIG))
    done = subprocess.run(
        command("power", "serve", "--config", str(tmp_path / "power.json")),
        env={**os.environ, "CREDENTIALS_DIRECTORY": str(tmp_path)}, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 3
    assert said in done.stderr
