"""An event loop whose clock jumps to what is due next: hours pass at once, and always in the same order."""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest


class _Jumping(selectors.DefaultSelector):
    """Takes what it should wait as passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += max(timeout or 0.0, 0.0)
        return super().select(0 if timeout is not None else None)


class VirtualTime(asyncio.SelectorEventLoop):
    """Begins at 0 seconds."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
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
