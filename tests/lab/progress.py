"""Progress for a person who waits: a line with elapsed time for every long step."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

STARTED = time.monotonic()


def elapsed() -> str:
    """Time since the command started, as ``m:ss``."""
    minutes, seconds = divmod(int(time.monotonic() - STARTED), 60)
    return f"{minutes}:{seconds:02d}"


def say(text: str) -> None:
    """One line of progress on standard error."""
    sys.stderr.write(f"[{elapsed()}] {text}\n")
    sys.stderr.flush()


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say that a step begins and, when it is done, how long it took; a terminal sees the seconds pass."""
    began, ended = time.monotonic(), threading.Event()

    def tick() -> None:
        while not ended.wait(1):
            sys.stderr.write(f"\r[{elapsed()}] {text} … {time.monotonic() - began:.0f} s")
            sys.stderr.flush()

    if sys.stderr.isatty():
        threading.Thread(target=tick, daemon=True).start()
    else:
        say(f"{text} …")
    try:
        yield
    finally:
        ended.set()
        outcome = "failed" if sys.exc_info()[0] else "done"
        lead = "\r\x1b[K" if sys.stderr.isatty() else ""
        sys.stderr.write(f"{lead}[{elapsed()}] {text}: {outcome} in {time.monotonic() - began:.1f} s\n")
        sys.stderr.flush()
