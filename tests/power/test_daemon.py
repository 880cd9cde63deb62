"""The daemon's loop: told to stop at whatever it does, asked for the next drill while it reads the last."""

import json
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from agent.power.config import Config, load_config
from agent.power.daemon import Daemon
from agent.power.request import new_request, take_request, write_request
from agent.power.state import Boot
from tests.power.test_parts import CONFIG

LINES = 40
"""More than one turn has, in Python, from one request's look to the next."""


def config(directory: Path) -> Config:
    document = CONFIG | {"state_directory": str(directory), "limits": {"turn_seconds": 0}}
    (directory / "power.json").write_text(json.dumps(document))
    return load_config(directory / "power.json")


def test_it_can_be_told_to_stop_at_any_line_as_a_signal_handler_does(tmp_path: Path):
    """A handler runs between two lines of whatever the main thread does: also inside of what waits."""
    for line in range(LINES):
        daemon = Daemon(config(tmp_path), (), Boot("boot", datetime.now(UTC)))
        thread = threading.Thread(target=run_and_stop, args=(daemon, line), daemon=True)
        thread.start()
        thread.join(30)
        assert not thread.is_alive(), f"told to stop at line {line} of its turn, it hangs"


def run_and_stop(daemon: Daemon, line: int) -> None:
    """Run the daemon; stop it from within, so many lines after its first look for a request."""
    left = -1

    def trace(frame: FrameType, event: str, _argument: object) -> Any:  # noqa: ANN401 - as sys.settrace has it
        nonlocal left
        if left < 0:
            left = line if event == "return" and frame.f_code.co_name == "_take_request" else -1
        elif left == 0:
            sys.settrace(None)
            daemon.stop()
            return None
        else:
            left -= event == "line"
        return trace

    sys.settrace(trace)
    try:
        daemon.run()
    finally:
        sys.settrace(None)


def test_a_request_that_comes_while_another_is_taken_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first, second = (new_request("boot", "u", "facility", "test", who) for who in ("li", "wang"))

    def loads(text: str) -> Any:  # noqa: ANN401 - as json.loads has it
        monkeypatch.undo()
        write_request(tmp_path, second)
        return json.loads(text)

    write_request(tmp_path, first)
    monkeypatch.setattr(json, "loads", loads)
    assert take_request(tmp_path) == first
    assert take_request(tmp_path) == second
    assert list(tmp_path.iterdir()) == []
