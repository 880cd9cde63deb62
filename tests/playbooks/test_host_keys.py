"""A host whose key is not the recorded one is never logged in at, whichever way Ansible goes there."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner

from inventory.create import make_secrets
from playbooks import engine
from playbooks.cli import provision
from tests.playbooks.rendered import ROOT


class Refusing(paramiko.ServerInterface):  # type: ignore[misc]
    """Takes nobody's key."""

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002 - the interface's signature
        return "publickey"


class Server:
    """A real SSH server on the loopback; ``asked`` counts the clients that trusted its key and went on to log in."""

    def __init__(self, key: Path) -> None:
        self.key = paramiko.Ed25519Key.from_private_key_file(str(key))
        self.listener = socket.create_server(("127.0.0.11", 0))
        self.port = self.listener.getsockname()[1]
        self.asked = 0
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(client)
            transport.add_server_key(self.key)
            try:
                transport.start_server(server=Refusing())
                while transport.is_active():
                    transport.join(0.05)
                    if transport.auth_handler is not None and transport.auth_handler.auth_username:
                        self.asked += 1
                        break
            except (paramiko.SSHException, EOFError, OSError):
                pass
            transport.close()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    made = {name: tmp_path / name for name in ("real", "other")}
    for path in made.values():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return made


@pytest.fixture
def server(keys: dict[str, Path]) -> Iterator[Server]:
    running = Server(keys["real"])
    yield running
    running.close()


def clinic(directory: Path, server: Server, recorded: Path) -> Path:
    """Make a clinic whose his1 is the server, with the public key ``recorded`` as its host key."""
    shutil.copytree(ROOT / "inventory/qinghe", directory)
    make_secrets(directory)
    for name in ("hosts.yml", "group_vars/all/facility.yml"):
        path = directory / name
        path.write_text(path.read_text(encoding="utf-8").replace("198.18.0.", "127.0.0."), encoding="utf-8")
    hosts = directory / "hosts.yml"
    address = "ansible_host: 127.0.0.11"
    text = hosts.read_text(encoding="utf-8")
    hosts.write_text(text.replace(address, f"{address}\n      ansible_port: {server.port}"), encoding="utf-8")
    public = recorded.with_suffix(".pub").read_text().split()
    (directory / "known_hosts").write_text(f"[127.0.0.11]:{server.port} {public[0]} {public[1]}\n")
    return directory


@pytest.mark.parametrize("fast", [True, False])
def test_a_changed_host_key_stops_before_any_login(
    tmp_path: Path, server: Server, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch, fast: bool
):
    if not fast:
        monkeypatch.setattr(engine, "strategy", dict)
    monkeypatch.setattr("playbooks.runner.wheelhouse.prepare", lambda facility, _: facility)
    wrong = clinic(tmp_path / "wrong", server, keys["other"])
    done = CliRunner().invoke(provision, [str(wrong), "--limit", "his1", "--tags", "bootstrap"])
    assert done.exit_code == 1, done.output
    assert "his1: its SSH host key is not the recorded one" in done.output
    assert server.asked == 0
    right = clinic(tmp_path / "right", server, keys["real"])
    done = CliRunner().invoke(provision, [str(right), "--limit", "his1", "--tags", "bootstrap"])
    assert "not the recorded one" not in done.output
    assert "did not answer" in done.output
    assert server.asked > 0
