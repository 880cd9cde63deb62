"""The power daemon as a process, on a loopback clinic: real upsd, real record; hosts are files of its directory.

A host's network is a stand-in: ``NAME.off`` means that it is off.  ``NAME.wake`` is a packet that was sent to it, and
``NAME.report`` what its agent tells of its last boot.  ``boot`` holds this host's boot id and its time.
"""

import json
import sys
from datetime import datetime
from pathlib import Path

from agent.power.around import boot_of
from agent.power.config import load_config
from agent.power.daemon import run
from agent.power.machine import Outside
from agent.power.plan import Host
from agent.power.reach import Reach
from agent.power.state import Boot


def main(directory: Path) -> None:
    """Run until SIGTERM."""

    def network_standin(host: Host) -> Reach:
        return Reach.NOTHING if (directory / f"{host.name}.off").exists() else Reach.SERVING

    def report_standin(host: Host) -> Boot | None:
        try:
            return boot_of({"power": {"boot": json.loads((directory / f"{host.name}.report").read_text())}})
        except (OSError, ValueError):
            return None

    def card_standin(mac: str, _broadcast: str) -> None:
        (directory / f"{mac}.wake").touch()

    boot_id, booted_at = (directory / "boot").read_text().split()
    outside = Outside(network_standin, report_standin, card_standin)
    boot = Boot(boot_id, datetime.fromisoformat(booted_at))
    run(load_config(directory / "power.json"), "p-0f6d", None, outside, boot)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
