"""An event loop whose clock jumps to what is due next: hours pass at once, and always in the same order.

It jumps when nothing can be read: a datagram between two sockets of the same loop is in time, but for the kernel.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest


class _Jumping(selectors.DefaultSelector):
    """Takes what it should wait as passed when nothing is there."""

    def __init__(self, kernel_seconds: float) -> None:
        super().__init__()
        self.now = 0.0
        self._kernel_seconds = kernel_seconds

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select()
        there = super().select(min(timeout, self._kernel_seconds))
        if not there:
            self.now += max(timeout, 0.0)
        return there


class VirtualTime(asyncio.SelectorEventLoop):
    """Begins at 0 seconds.  Before each jump the kernel has ``kernel_seconds`` of real time to deliver a datagram."""

    def __init__(self, kernel_seconds: float = 0) -> None:
        self._jumping = _Jumping(kernel_seconds)
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the seconds that have passed."""
        return self._jumping.now


Run = Callable[[Coroutine[Any, Any, Any]], Any]


@contextmanager
def virtual_time(monkeypatch: pytest.MonkeyPatch, *modules: str) -> Iterator[Run]:
    """Give what runs a coroutine in such a loop; ``modules`` have its clock as their ``time.monotonic``."""
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        clock = SimpleNamespace(monotonic=runner.get_loop().time, time=time.time)
        for module in modules:
            monkeypatch.setattr(f"{module}.time", clock)
        yield runner.run
