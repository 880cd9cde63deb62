"""What a person sees of a run: a line for each change and problem, and on a terminal what is going on right now."""

import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import click

from playbooks.record import TaskResult, TaskStatus

COLOURS = {TaskStatus.CHANGED: "yellow", TaskStatus.FAILED: "red", TaskStatus.UNREACHABLE: "red"}
REFRESH_SECONDS = 0.1


class Progress:
    """Writes to ``stream``; a host that hangs stays visible, with its task, in the last line of a terminal."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream = stream
        self.clock = clock
        self.started = clock()
        self.live = stream.isatty()
        self.running: dict[str, str] = {}
        self.shown_at = 0.0
        self.counts: dict[TaskStatus, int] = {}

    def elapsed(self) -> str:
        """Return the time since the start as ``[ 12.3s]``."""
        return f"[{self.clock() - self.started:5.1f}s]"

    def say(self, text: str) -> None:
        """Write one line that stays."""
        self._clear()
        self.stream.write(f"{self.elapsed()} {text}\n")
        self.stream.flush()

    def event(self, event: Mapping[str, Any], result: TaskResult | None) -> None:
        """Show an event of ansible-runner, with the result that it reports, if any."""
        data = event.get("event_data") or {}
        kind = event.get("event")
        if kind == "playbook_on_play_start" and not self.live:
            self.say(f"== {data.get('name') or data.get('play')}")
        elif kind == "runner_on_start":
            self.running[str(data.get("host"))] = _title(data.get("role"), str(data.get("task", "")))
        if result is not None:
            self.running.pop(result.host, None)
            self.counts[result.status] = self.counts.get(result.status, 0) + 1
            if result.status in COLOURS:
                status = click.style(result.status, fg=COLOURS[result.status]) if self.live else result.status
                self.say(f"{result.host:<11} {_title(result.role, result.task)}  {status}")
        if self.live and self.clock() - self.shown_at >= REFRESH_SECONDS:
            self._show()

    def close(self) -> None:
        """Take the last line of the terminal away."""
        self._clear()
        self.stream.flush()

    def _clear(self) -> None:
        if self.live:
            self.stream.write("\r\x1b[K")

    def _show(self) -> None:
        tasks = sorted(set(self.running.values()))
        hosts = ", ".join(sorted(self.running))
        checked = sum(self.counts.values())
        line = f"{self.elapsed()} {checked} tasks checked  {'; '.join(tasks)}  ({hosts})" if hosts else ""
        self.stream.write("\r\x1b[K" + line[:118])
        self.stream.flush()
        self.shown_at = self.clock()


def _title(role: object, task: str) -> str:
    return f"{role} : {task.removeprefix(f'{role} : ')}" if role else task
