"""Run one probe: own process group, a time-out, bounded output.  Nothing a probe does can stop the next one."""

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from agent.facts.probes import Probe
from agent.facts.redact import redact

# A fixed, plain environment: English messages, no terminal, nothing of the caller's.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/root"}
CHUNK_BYTES = 65536
"""All that a pipe holds (pipe(7))."""

LATE_READS = 2
"""After the deadline: what is in the pipe, and then its end."""

REAP_SECONDS = 1.0
"""How long a probe may take to end when nothing more can come of it."""


@dataclass(frozen=True)
class ProbeResult:
    """What one probe gave.  ``exit_code`` is None when it never ended by itself; ``stderr`` then says why."""

    name: str
    command: str
    at: str
    duration_seconds: float
    exit_code: int | None
    stdout: str
    stderr: str
    truncated: bool


def utc(moment: datetime) -> str:
    """Return RFC 3339 in UTC with ``Z``, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _collect(process: subprocess.Popen[bytes], deadline: float, max_bytes: int) -> tuple[bytes, bytes, bool, bool]:
    """Read both outputs until they end or the deadline passes; returns (stdout, stderr, truncated, timed_out).

    What is over the limit is read and dropped, so that the probe still ends with its own exit code.  What is there at
    the deadline is read, too: a busy machine may have let the time go by before this process looked.
    """
    streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
    kept = {stream.fileno(): bytearray() for stream in streams}
    stdout, stderr = kept.values()
    truncated = False
    with selectors.DefaultSelector() as selector:
        for descriptor in kept:
            selector.register(descriptor, selectors.EVENT_READ)
        late = 0
        while selector.get_map() and late < LATE_READS:
            left = deadline - time.monotonic()
            late += left <= 0
            for key, _ in selector.select(max(left, 0)):
                chunk = os.read(key.fd, CHUNK_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                    continue
                buffer = kept[key.fd]
                room = max_bytes - len(buffer)
                truncated = truncated or len(chunk) > room
                buffer += chunk[: max(room, 0)]
        timed_out = bool(selector.get_map())
    if not timed_out:
        try:
            process.wait(max(deadline - time.monotonic(), REAP_SECONDS))
        except subprocess.TimeoutExpired:
            timed_out = True
    return bytes(stdout), bytes(stderr), truncated, timed_out


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the probe's whole process group and reap the probe."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run_probe(probe: Probe, seconds_left: float) -> ProbeResult:
    """Run ``probe`` for at most its own time-out and ``seconds_left``; never raises for what the probe does."""
    at, started = utc(datetime.now(UTC)), time.monotonic()
    limit = min(probe.timeout_seconds, seconds_left)
    stdout = stderr = b""
    exit_code: int | None = None
    truncated = False
    if limit <= 0:
        stderr = b"not run: the time for all probes together was used up"
    else:
        try:
            with subprocess.Popen(
                probe.argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            ) as process:
                try:
                    stdout, stderr, truncated, timed_out = _collect(process, started + limit, probe.max_bytes)
                    exit_code = None if timed_out else process.returncode
                finally:
                    if exit_code is None:
                        _end_group(process)
                if timed_out:
                    stderr += b"\ntimed out after %g s, process group killed" % limit
        except FileNotFoundError:
            stderr = b"not found: " + probe.argv[0].encode()
        except OSError as error:
            stderr = f"not started: {error.strerror}".encode()
    return ProbeResult(
        name=probe.name,
        command=shlex.join(probe.argv),
        at=at,
        duration_seconds=round(time.monotonic() - started, 3),
        exit_code=exit_code,
        stdout=redact(stdout.decode("utf-8", "replace")),
        stderr=redact(stderr.decode("utf-8", "replace")).strip(),
        truncated=truncated,
    )
