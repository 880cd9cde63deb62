"""A small SMTP server on loopback: STARTTLS, AUTH PLAIN and LOGIN, and a reply of one's own for any recipient."""

import base64
import contextlib
import socketserver
import ssl
import threading
from dataclasses import dataclass, field

from tests.agent.pki import Issued


@dataclass
class Letter:
    """What arrived."""

    sender: str
    recipients: list[str]
    text: str
    user: str | None
    encrypted: bool


@dataclass
class Manners:
    """How the server behaves."""

    user: str = "xinglin"
    password: str = "right"
    offers_starttls: bool = True
    recipients: dict[str, str] = field(default_factory=dict)  # address → reply instead of 250
    taken: str = "250 2.0.0 Ok: queued as 4F2C1"
    farewell: str = "221 bye"


class SmtpServer:
    """Serves until ``close``; ``letters`` are what it took, ``lines`` all that was said before and after TLS."""

    def __init__(self, issued: Issued, manners: Manners) -> None:
        self.manners = manners
        self.letters: list[Letter] = []
        self.plain_lines: list[str] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(issued.certificate, issued.key)
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                conversation = Conversation(outer, self.request)
                with contextlib.suppress(OSError):
                    conversation.hold()
                conversation.close()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Conversation:
    """One connection."""

    def __init__(self, server: SmtpServer, connection: ssl.SSLSocket) -> None:
        self._server = server
        self._connection = connection
        self._file = connection.makefile("rb")
        self._encrypted = False
        self._user: str | None = None
        self._sender, self._recipients = "", list[str]()

    def close(self) -> None:
        """Give the connection back."""
        self._file.close()
        self._connection.close()

    def hold(self) -> None:
        """Talk until QUIT."""
        self._say("220 test ESMTP")
        while line := self._hear():
            verb, _, rest = line.partition(" ")
            verb = verb.upper()
            if verb == "EHLO":
                self._offer()
            elif verb == "STARTTLS":
                self._say("220 go on")
                self._file.close()
                self._connection = self._server.context.wrap_socket(self._connection, server_side=True)
                self._file = self._connection.makefile("rb")
                self._encrypted = True
            elif verb == "AUTH":
                self._log_in(rest)
            elif verb in {"MAIL", "RCPT"}:
                self._envelope(verb, _address(rest))
            elif verb == "DATA":
                self._take()
            elif verb == "QUIT":
                self._say(self._server.manners.farewell)
                return
            else:
                self._say("250 ok")

    def _offer(self) -> None:
        starttls = ["STARTTLS"] if self._server.manners.offers_starttls and not self._encrypted else []
        names = ["test", *starttls, *(["AUTH PLAIN LOGIN"] if self._encrypted else [])]
        for name in names:
            self._say(f"250-{name}")
        self._say("250 8BITMIME")

    def _envelope(self, verb: str, address: str) -> None:
        if verb == "MAIL":
            self._sender, self._recipients = address, []
            self._say("250 ok")
            return
        reply = self._server.manners.recipients.get(address, "250 ok")
        if reply.startswith("250"):
            self._recipients.append(address)
        self._say(reply)

    def _log_in(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        if mechanism == "PLAIN":
            _, user, password = base64.b64decode(initial).decode().split("\0")
        else:
            user = base64.b64decode(initial or self._ask("VXNlcm5hbWU6")).decode()
            password = base64.b64decode(self._ask("UGFzc3dvcmQ6")).decode()
        manners = self._server.manners
        if (user, password) != (manners.user, manners.password):
            # Some servers say the password again; ours must not keep it.
            self._say(f"535 5.7.8 authentication failed for {user} with {password}")
            return
        self._user = user
        self._say("235 ok")

    def _ask(self, prompt: str) -> str:
        self._say(f"334 {prompt}")
        return self._hear()

    def _take(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self._hear()) != ".":
            lines.append(line)
        taken = self._server.manners.taken
        if taken.startswith("250"):
            letter = Letter(self._sender, self._recipients, "\n".join(lines), self._user, self._encrypted)
            self._server.letters.append(letter)
        self._say(taken)

    def _hear(self) -> str:
        line = self._file.readline().decode().rstrip("\r\n")
        if not self._encrypted:
            self._server.plain_lines.append(line)
        return line

    def _say(self, line: str) -> None:
        self._connection.sendall(f"{line}\r\n".encode())


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]
