"""Gather the facts of this host into one file, atomically.  Runs as root from a timer; standard library only."""

import contextlib
import grp
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.facts.probes import PROBES, Probe
from agent.facts.run import run_probe, utc

SCHEMA = 1
TOTAL_SECONDS = 120.0
READERS = "xinglin-agent"  # the group that serves the file
AGENT_CONFIG = Path("/etc/xinglin/agent.json")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def host_name(config: Path = AGENT_CONFIG) -> str:
    """Return the name the facility gives this host: from the agent's configuration, else the system's own."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(config.read_text(encoding="utf-8"))["host"])
    return socket.gethostname()


def gather(probes: Iterable[Probe] = PROBES, total_seconds: float = TOTAL_SECONDS) -> dict[str, Any]:
    """Run every probe, one after the other, and return the facts document (schema 1)."""
    deadline = time.monotonic() + total_seconds
    gathered_at = utc(datetime.now(UTC))
    results = [asdict(run_probe(probe, deadline - time.monotonic())) for probe in probes]
    return {
        "schema": SCHEMA,
        "host": host_name(),
        "gathered_at": gathered_at,
        "boot_id": BOOT_ID.read_text(encoding="ascii").strip(),
        "probes": results,
    }


def write_atomic(document: dict[str, Any], output: Path) -> None:
    """Write ``document`` as JSON, mode 0640, group ``xinglin-agent`` where it exists: whole or not at all."""
    descriptor, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(document, stream, ensure_ascii=False)
            os.fchmod(stream.fileno(), 0o640)
            with contextlib.suppress(KeyError):
                os.fchown(stream.fileno(), -1, grp.getgrnam(READERS).gr_gid)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def main_gather(output: Path) -> None:
    """Gather this host's facts and write them to ``output``.  Raises OSError when the file can't be written."""
    write_atomic(gather(), output)
