"""A client of an agent, as the console is one."""

import contextlib
import http.client
import ssl
from dataclasses import dataclass
from pathlib import Path

from tests.agent.pki import Issued


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True)
class Client:
    """Asks the agent at 127.0.0.1:``port`` with ``own`` certificate, or with none."""

    port: int
    ca: Path
    own: Issued | None
    source: str = "127.0.0.1"

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca)
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 (Debian 13) on
        if self.own:
            context.load_cert_chain(self.own.certificate, self.own.key)
        return context

    def get(self, path: str, method: str = "GET") -> Answer:
        """Return the answer; raises OSError when the agent refuses the connection."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=20, context=self.context(), source_address=(self.source, 0)
        )
        with contextlib.closing(connection):
            connection.request(method, path)
            response = connection.getresponse()
            return Answer(response.status, response.getheader("Content-Type", ""), response.read())
