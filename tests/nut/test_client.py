"""The client against the real upsd over TLS, and against servers that only pretend to be one."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.nut.client import MOST_LINES, Code, NutClient, NutError
from agent.nut.collector import client_tls
from agent.nut.words import quote, split
from tests.agent.pki import DAY, Authority
from tests.nut.conftest import UPSES
from tests.nut.rig import PASSWORD, Rig, running_rig

NO_DRIVER = "[rack-ups]\n driver=dummy-ups\n port=none\n"


def connect(rig: Rig, name: str = "primary1", ca: Path | None = None, seconds: float = 30) -> NutClient:
    assert rig.authority is not None
    tls = client_tls(ca or rig.authority.certificate)
    return NutClient.connect("127.0.0.1", rig.port, tls=tls, server_name=name, timeout_seconds=seconds)


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(NutError) as caught:
        action()
    return caught.value.code


def test_it_reads_over_tls_without_logging_in(rig: Rig):
    with connect(rig) as client:
        assert client.ups() == dict.fromkeys(UPSES, "Description unavailable")
        variables = client.variables("rack-ups")
        assert (variables["ups.status"], variables["battery.runtime"]) == ("OL", "1800")
        assert client.clients("rack-ups") == (), "nobody drew power because of us"


def test_what_is_set_and_forced_is_read_back(rig: Rig):
    with connect(rig) as client:
        client.authenticate("xinglin-power", PASSWORD)
        client.set_variable("set-ups", "ups.mfr", "A name, and more")
        client.command("set-ups", "load.off")
        client.command("set-ups", "load.off", "10")
        client.force_shutdown("rack-ups-his")
        assert "FSD" in client.variables("rack-ups-his")["ups.status"].split()
        assert "FSD" not in client.variables("rack-ups")["ups.status"].split()
        rig.wait_until(lambda: client.variables("set-ups")["ups.mfr"] == "A name, and more")


@pytest.mark.parametrize(("user", "password"), [("xinglin-power", "wrong"), ("nobody", PASSWORD), ("his1", PASSWORD)])
def test_a_stranger_may_read_but_change_nothing(rig: Rig, user: str, password: str):
    with connect(rig) as client:
        client.authenticate(user, password)
        assert refusal(lambda: client.set_variable("rack-ups", "ups.status", "OB")) == Code.ACCESS_DENIED
        assert refusal(lambda: client.force_shutdown("rack-ups")) == Code.ACCESS_DENIED
        assert client.variables("rack-ups")["ups.status"] == "OL", "the connection can be used on"


def test_upsds_own_errors_have_its_codes(rig: Rig):
    with connect(rig) as client:
        client.authenticate("xinglin-power", PASSWORD)
        assert refusal(lambda: client.variables("attic")) == Code.UNKNOWN_UPS
        assert refusal(lambda: client.set_variable("rack-ups", "no.such", "1")) == Code.VAR_NOT_SUPPORTED
        assert refusal(lambda: client.set_variable("rack-ups", "ups.mfr", "机柜")) == Code.INVALID_ARGUMENT
        assert refusal(lambda: client.set_variable("rack-ups", "ups.mfr", "a\nFSD rack-ups")) == Code.INVALID_ARGUMENT
        rig.end("dying-ups")
        rig.wait_until(lambda: not rig.has_data("dying-ups"))
        assert refusal(lambda: client.variables("dying-ups")) == Code.DRIVER_NOT_CONNECTED


def test_another_authority_or_another_name_is_not_trusted(rig: Rig, tmp_path: Path):
    stranger = Authority(tmp_path / "stranger")
    assert refusal(lambda: connect(rig, ca=stranger.certificate)) == Code.UNTRUSTED
    assert refusal(lambda: connect(rig, name="his1")) == Code.UNTRUSTED


def test_a_server_without_tls_is_left_before_a_word_of_credentials(tmp_path: Path):
    ca = Authority(tmp_path / "ca").certificate
    with running_rig(tmp_path / "rig", {}, tls=False, conf=NO_DRIVER) as plain:
        assert refusal(lambda: connect_plain(plain.port, ca)) == Code.TLS_FAILED


def connect_plain(port: int, ca: Path | None = None, seconds: float = 30) -> NutClient:
    tls = client_tls(ca) if ca else None
    return NutClient.connect("127.0.0.1", port, tls=tls, server_name="primary1", timeout_seconds=seconds)


def test_a_dead_upsd_is_refused_at_once(rig: Rig):
    client = connect(rig)
    rig.end("upsd")
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(("127.0.0.1", rig.port))
    assert refusal(lambda: client.variables("rack-ups")) == Code.CLOSED
    assert refusal(lambda: client.variables("rack-ups")) == Code.CLOSED, "closed stays closed"
    assert refusal(lambda: connect(rig)) == Code.REFUSED
    rig.start_upsd()
    rig.wait_until(lambda: all(rig.has_data(ups) for ups in UPSES if ups != "dying-ups"))


@contextmanager
def pretended_server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Listen on a free port; give the first client what ``answer`` says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                try:
                    answer(connection)
                except OSError:
                    return  # the client had enough

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


BEGIN = b"BEGIN LIST VAR rack-ups\n"
ROW = b'VAR rack-ups ups.status "OL"\n'
GARBAGE = {
    "another protocol": (b"HTTP/1.1 400 Bad Request\r\n\r\n", Code.BAD_ANSWER),
    "binary": (bytes(range(256)) * 4 + b"\n", Code.BAD_ANSWER),
    "an empty line": (b"\n", Code.BAD_ANSWER),
    "an endless line": (b"A" * 1_000_000, Code.BAD_ANSWER),
    "an open quote": (BEGIN + b'VAR rack-ups ups.status "OL\n', Code.BAD_ANSWER),
    "another UPS's rows": (BEGIN + b'VAR hall-ups ups.status "OL"\n', Code.BAD_ANSWER),
    "a row too short": (BEGIN + b"VAR rack-ups ups.status\n", Code.BAD_ANSWER),
    "an endless list": (BEGIN + ROW * (MOST_LINES + 1), Code.BAD_ANSWER),
    "cut in a line": (BEGIN + b'VAR rack-ups ups.st', Code.BAD_ANSWER),
    "cut between lines": (BEGIN + ROW, Code.CLOSED),
    "nothing at all": (b"", Code.CLOSED),
    "an error without a code": (b"ERR\n", Code.BAD_ANSWER),
    "stale": (b"ERR DATA-STALE\n", Code.DATA_STALE),
    "a code of tomorrow": (b"ERR NOT-IN-THE-MOOD\n", "NOT-IN-THE-MOOD"),
}  # fmt: skip


@pytest.mark.parametrize("title", GARBAGE)
def test_what_is_no_answer_is_called_so(title: str):
    answer, code = GARBAGE[title]
    with (
        pretended_server(lambda connection: connection.sendall(answer)) as port,
        connect_plain(port) as client,
    ):
        assert refusal(lambda: client.variables("rack-ups")) == code


def test_what_a_ups_says_steers_no_terminal_and_no_page():
    row = 'VAR rack-ups ups.alarm "电池\x1b[31m\u202e!"\r\nEND LIST VAR rack-ups\n'
    with (
        pretended_server(lambda connection: connection.sendall(BEGIN + row.encode())) as port,
        connect_plain(port) as client,
    ):
        assert client.variables("rack-ups") == {"ups.alarm": "电池[31m!"}


def test_a_server_that_drips_its_answer_is_given_up_in_time():
    left = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(BEGIN)
        while not left.wait(0.02):
            connection.sendall(ROW[:1])

    with pretended_server(drip) as port, connect_plain(port, seconds=0.3) as client:
        assert refusal(lambda: client.variables("rack-ups")) == Code.TIMED_OUT
        left.set()


@dataclass
class Stalled:
    """A clock of a process that is not scheduled between its request and ``answered``, for a hundred seconds."""

    answered: threading.Event
    asked: bool = False

    def monotonic(self) -> float:
        if not self.asked:
            self.asked = True
            return 0.0
        assert self.answered.wait(30)
        return 100.0


def test_an_answer_that_came_while_a_busy_machine_kept_us_from_looking_is_an_answer(monkeypatch: pytest.MonkeyPatch):
    answered = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(BEGIN + ROW + b"END LIST VAR rack-ups\n")
        answered.set()

    with pretended_server(answer) as port, connect_plain(port) as client:
        monkeypatch.setattr("agent.nut.client.time", Stalled(answered))
        assert client.variables("rack-ups") == {"ups.status": "OL"}


def test_over_tls_too_the_time_is_over_when_nothing_is_here(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    with connect(rig) as client:
        present = threading.Event()
        present.set()
        rig.processes["upsd"].send_signal(signal.SIGSTOP)
        try:
            monkeypatch.setattr("agent.nut.client.time", Stalled(present))
            assert refusal(lambda: client.variables("rack-ups")) == Code.TIMED_OUT
        finally:
            rig.processes["upsd"].send_signal(signal.SIGCONT)


def test_plain_text_smuggled_in_before_tls_is_refused(tmp_path: Path):
    ca = Authority(tmp_path / "ca").certificate
    smuggle = b"OK STARTTLS\nBEGIN LIST UPS\n"
    with pretended_server(lambda connection: connection.sendall(smuggle)) as port:
        assert refusal(lambda: connect_plain(port, ca)) == Code.BAD_ANSWER


def test_a_server_that_is_silent_in_the_handshake_is_given_up(tmp_path: Path):
    ca = Authority(tmp_path / "ca").certificate
    done = threading.Event()

    def hold(connection: socket.socket) -> None:
        connection.sendall(b"OK STARTTLS\n")
        done.wait(5)

    with pretended_server(hold) as port:
        assert refusal(lambda: connect_plain(port, ca, 0.3)) == Code.TIMED_OUT
        done.set()


def test_an_expired_certificate_is_not_trusted(tmp_path: Path):
    with running_rig(tmp_path, {}, conf=NO_DRIVER, valid_until=-DAY / 2) as rig:
        assert refusal(lambda: connect(rig)) == Code.UNTRUSTED


@pytest.mark.parametrize("word", ["", "OL", "a b", 'say "yes"', "back\\slash", "tail\\", "#no comment"])
def test_a_word_survives_quoting(word: str):
    assert split(f"VAR x {quote(word)}") == ["VAR", "x", word]
