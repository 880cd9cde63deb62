"""What the appliance is told: the facility's list of kits, and the console's audit log."""

import json
from typing import Any

from playbooks.login import Target, received
from playbooks.recovery.ledger import FILE
from playbooks.recovery.remote import XINGLIN, RecoveryError, run

COPY = "/etc/xinglin/facility"


def copy_ledger(appliance: Target, content: bytes) -> str:
    """Bring recovery.json to the appliance's copy of the facility; return "" or why it could not be."""
    script = f"'umask 077; cd {COPY} && {received(f'.{FILE}.new', len(content))} && mv .{FILE}.new {FILE}'"
    return _tried(appliance, f"sudo -n sh -c {script}", content)


def audit(appliance: Target, action: str, actor: str, number: str, detail: dict[str, Any]) -> str:
    """Append to the console's audit log; return "" or why it could not be."""
    event = {"action": f"recovery.{action}", "actor": actor, "target": number, "detail": detail}
    return _tried(appliance, f"{XINGLIN} console audit record", json.dumps(event, ensure_ascii=False).encode())


def _tried(appliance: Target, command: str, stdin: bytes) -> str:
    try:
        run(appliance, command, stdin)
    except RecoveryError as error:
        return str(error)
    return ""
