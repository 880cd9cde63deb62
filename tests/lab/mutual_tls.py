"""Ask a host's agent as the console does: from the appliance, with its certificate, by its system Python."""

import json
from dataclasses import dataclass

from tests.lab.host import Host

# The appliance's own Python has what is needed; nothing of ours takes part.
FETCH = """
import http.client, json, ssl, sys
address, path, certified = sys.argv[1], sys.argv[2], sys.argv[3] == "yes"
context = ssl.create_default_context(cafile="/etc/xinglin/pki/ca.crt")
if certified:
    context.load_cert_chain("/etc/xinglin/pki/host.crt", "/etc/xinglin/pki/host.key")
try:
    connection = http.client.HTTPSConnection(address, 9633, context=context, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    print(json.dumps({"status": answer.status, "body": answer.read().decode()}))
except OSError as error:
    print(json.dumps({"status": 0, "body": f"{type(error).__name__}: {error}"}))
"""


@dataclass(frozen=True)
class Answer:
    """What came back; ``status`` is 0 when there was no HTTP answer at all, and ``body`` then says why."""

    status: int
    body: str


def ask_agent(from_host: Host, address: str, path: str, *, with_certificate: bool = True) -> Answer:
    """GET ``path`` of the agent at ``address``, from a host that has (or hides) its certificate."""
    output = from_host.run("python3", "-c", FETCH, address, path, "yes" if with_certificate else "no")
    return Answer(**json.loads(output))
