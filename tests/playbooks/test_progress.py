"""What a person sees while a run goes on."""

import io
import json
from pathlib import Path

from playbooks.progress import Progress
from playbooks.record import task_result

EVENTS = [json.loads(line) for line in (Path(__file__).parent / "data/events.jsonl").read_text().splitlines()]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_log_gets_a_line_for_each_play_change_and_problem():
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, clock)
    for event in EVENTS:
        clock.now += 0.5
        progress.event(event, task_result(event))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "[  0.5s] == Recorded"
    assert "[  2.5s] vault1      Reach the host  unreachable" in lines
    assert "[  3.5s] his1        Write a file  changed" in lines
    assert lines[-1].endswith("his1        Fail for good  failed")
    assert not any("Write it again" in line for line in lines)


def test_a_terminal_shows_which_host_is_at_what_and_cleans_up():
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock)
    clock.now += 1.0
    progress.event(EVENTS[1], None)
    clock.now += 1.0
    progress.event(EVENTS[2], None)
    assert "[  2.0s] 0 tasks checked  Reach the host  (his1, vault1)" in stream.getvalue()
    clock.now += 1.0
    progress.event(EVENTS[3], task_result(EVENTS[3]))
    assert stream.getvalue().endswith("[  3.0s] 1 tasks checked  Reach the host  (vault1)")
    progress.close()
    assert stream.getvalue().endswith("\r\x1b[K")
