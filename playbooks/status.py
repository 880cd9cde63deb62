"""`xinglin status`: ask the console on the appliance over SSH; ``playbooks.screen`` makes its answer one screen."""

import json
from typing import Any

import fabric
import invoke
import paramiko  # type: ignore[import-untyped]

from playbooks.login import CONNECT_TIMEOUT_SECONDS, Target

COMMAND = "sudo -n -u xinglin-console /opt/xinglin/venv/bin/xinglin console status --json"
TIMEOUT_SECONDS = 30


class StatusError(Exception):
    """The appliance or its console did not answer; the message names cause and next step."""


def fetch(appliance: Target) -> dict[str, Any]:
    """Return what `xinglin console status --json` says on the appliance; raises StatusError."""
    connection = fabric.Connection(
        appliance.address,
        user=appliance.operator,
        port=appliance.port,
        config=fabric.Config(overrides={"load_ssh_configs": False}),
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        connect_kwargs={"key_filename": str(appliance.key), "look_for_keys": False, "allow_agent": False},
    )
    try:
        connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        connection.client.load_host_keys(str(appliance.known_hosts))
        with connection:
            done = connection.run(COMMAND, hide=True, warn=True, in_stream=False, timeout=TIMEOUT_SECONDS)
    except FileNotFoundError:
        raise StatusError(f"{appliance.name} is not taken over yet. Next: xinglin provision") from None
    except (OSError, EOFError, paramiko.SSHException, invoke.exceptions.CommandTimedOut) as error:
        raise StatusError(
            f"{appliance.name} ({appliance.address}): no SSH connection: {str(error).rstrip('.')}. Next: see that the "
            "appliance is on and its cable in place; `xinglin provision --limit appliance` says more."
        ) from None
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = (done.stderr.strip().splitlines() or [f"exit {done.exited}"])[-1]
        raise StatusError(
            f"{appliance.name}: the console did not answer: {said}. Next: `xinglin provision`, and on the appliance "
            "`systemctl status xinglin-console xinglin-worker`."
        ) from None
    return answer
