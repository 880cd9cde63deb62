"""A TCP connection, opened and closed at once: the device accepts, so it is there."""

import asyncio
import os
import time

from agent.polling import PollError, Trouble


async def connect(address: str, port: int, *, timeout_seconds: float) -> float:
    """Return the seconds that the connection took.  Raises PollError with UNREACHABLE: refused, no route, no answer."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(timeout_seconds):
            _, writer = await asyncio.open_connection(address, port)
    except TimeoutError:
        detail = f"no answer on TCP port {port} in {timeout_seconds:g} s"
        raise PollError(Trouble.UNREACHABLE, detail) from None
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else str(error)
        raise PollError(Trouble.UNREACHABLE, f"TCP port {port}: {cause}") from error
    took = time.monotonic() - started
    writer.transport.abort()  # no half-closed connections on small devices' few slots
    return took
