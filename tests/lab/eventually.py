"""Wait for what another machine will do in its own time, and say what was last seen when it does not."""

import time
from collections.abc import Callable


def eventually(what: str, see: Callable[[], object], timeout_seconds: float = 300) -> None:
    """Return when ``see()`` is true; raise AssertionError with its last value after the time-out.

    The time-out is no promise of the product's, only the end of all hope: a busy machine must not come near.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        seen = see()
        if seen:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_seconds:.0f} s: {what}; last seen: {seen!r}")
        time.sleep(1)
