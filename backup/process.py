"""Runs one program to its end: both outputs drained all the time, a time limit, one way to cancel.

Every program gets a session of its own, so that its whole process group ends together, and dies with this
process even when that is killed with SIGKILL (``setpriv --pdeathsig``).
"""

import contextlib
import logging
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import IO

from backup.errors import BackupError

logger = logging.getLogger(__name__)

GRACE_SECONDS = 20
"""How long a program may clean up after SIGINT before it gets SIGKILL."""


class Source(Enum):
    """Where a line came from."""

    STDOUT = auto()
    STDERR = auto()


class ProducerFailedError(Exception):
    """The program that feeds the pipe ended with ``returncode`` ≠ 0; the consumer was cancelled."""

    def __init__(self, returncode: int) -> None:
        super().__init__(f"the producer ended with {returncode}")
        self.returncode = returncode


@dataclass
class Producer:
    """A program whose stdout is the pipe that the consumer reads, and our own copy of the pipe's write end.

    Holding that copy is the point: the consumer sees the end of the data only when we close it, that is, only
    after the producer ended well.  A failed producer can therefore never look like a short, good one.
    """

    process: subprocess.Popen[bytes]
    write_end: int | None
    read_end: int

    def close(self) -> None:
        """Let the consumer see the end of the data."""
        if self.write_end is not None:
            os.close(self.write_end)
            self.write_end = None


@contextlib.contextmanager
def producing(start: Callable[[int], "subprocess.Popen[bytes]"]) -> Iterator[Producer]:
    """Start a producer, which ``start`` gives a file descriptor to write to; it is gone after the block."""
    read_end, write_end = os.pipe()
    try:
        process = start(write_end)
    except BaseException:
        os.close(read_end)
        os.close(write_end)
        raise
    producer = Producer(process, write_end, read_end)
    try:
        yield producer
    finally:
        producer.close()
        os.close(read_end)
        _signal_group(process, signal.SIGKILL)
        process.wait()


def ending_with_us(argv: Sequence[str], user: str | None = None, death_signal: str = "KILL") -> list[str]:
    """Return ``argv`` wrapped so that it gets ``death_signal`` when we die, and runs as ``user`` when we are root."""
    drop = ["--reuid", user, "--regid", user, "--init-groups"] if user and os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig", death_signal, *drop, "--", *argv]


def run(
    argv: Sequence[str],
    environment: Mapping[str, str],
    *,
    on_line: Callable[[Source, str], None],
    timeout_seconds: float,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
    keep_open: Sequence[int] = (),
    producer: Producer | None = None,
) -> int:
    """Run ``argv`` and return its exit code.

    ``on_line`` gets each line of both outputs, in this thread; whatever it raises cancels the program.  With
    ``stdout`` (a file descriptor) the program writes there instead.  ``keep_open`` descriptors are inherited.
    Call it from the main thread: the death signal is bound to the calling thread.

    Raises BackupError ``timed_out``, or ``tool_missing`` when the program is not there; ProducerFailedError.
    """
    try:
        process = subprocess.Popen(
            ending_with_us(argv),
            env=dict(environment),
            stdin=stdin,
            stdout=subprocess.PIPE if stdout is None else stdout,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=tuple(keep_open),
        )
    except FileNotFoundError as error:
        raise BackupError("tool_missing", "setpriv", "the program is not installed") from error
    events: queue.SimpleQueue[tuple[Source | None, str | int | None]] = queue.SimpleQueue()
    pipes = {Source.STDERR: process.stderr} | ({} if stdout is not None else {Source.STDOUT: process.stdout})
    threads = [
        threading.Thread(target=_drain, args=(source, pipe, events), daemon=True) for source, pipe in pipes.items()
    ]
    if producer:
        threads.append(threading.Thread(target=_await, args=(producer.process, events), daemon=True))
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + timeout_seconds
    try:
        _pump(events, len(pipes), on_line, producer, deadline)
        return process.wait(timeout=max(1.0, deadline - time.monotonic()))
    except (queue.Empty, subprocess.TimeoutExpired) as error:
        raise BackupError("timed_out", argv[0], f"limit {timeout_seconds:.0f} s") from error
    finally:
        end(process, producer)
        for thread in threads:
            thread.join(GRACE_SECONDS)
        for pipe in pipes.values():
            if pipe:
                pipe.close()


def _pump(
    events: "queue.SimpleQueue[tuple[Source | None, str | int | None]]",
    open_pipes: int,
    on_line: Callable[[Source, str], None],
    producer: Producer | None,
    deadline: float,
) -> None:
    while open_pipes:
        source, payload = events.get(timeout=max(0.0, deadline - time.monotonic()))
        if source is None:
            if producer and payload == 0:
                producer.close()
            elif isinstance(payload, int):
                raise ProducerFailedError(payload)
        elif isinstance(payload, str):
            on_line(source, payload)
        else:
            open_pipes -= 1


def _drain(
    source: Source, pipe: IO[bytes], events: "queue.SimpleQueue[tuple[Source | None, str | int | None]]"
) -> None:
    for line in pipe:
        events.put((source, line.decode("utf-8", "replace").rstrip("\r\n")))
    events.put((source, None))


def _await(
    process: subprocess.Popen[bytes], events: "queue.SimpleQueue[tuple[Source | None, str | int | None]]"
) -> None:
    events.put((None, process.wait()))


def end(process: subprocess.Popen[bytes], producer: Producer | None = None) -> None:
    """End a program, its process group and its producer, whatever their state: SIGINT, a grace, SIGKILL.

    A producer's consumer is killed outright.  Asked to end, restic would wait for the end of its stdin, and that may
    reach it before it has acted on the signal: then what is cut off, or nothing at all, becomes a snapshot.
    """
    if process.poll() is None:
        _signal_group(process, signal.SIGKILL if producer else signal.SIGINT)
    if producer and producer.process.poll() is None:
        _signal_group(producer.process, signal.SIGTERM)
    for each in (process, producer.process if producer else None):
        if each is None:
            continue
        try:
            each.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            logger.warning("process %d ignored the request to end: killing it", each.pid)
        _signal_group(each, signal.SIGKILL)
        each.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
