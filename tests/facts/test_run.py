"""One probe: whatever it does, the gathering goes on."""

import itertools
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from agent.facts.gather import gather
from agent.facts.probes import PROBES, Probe
from agent.facts.run import _collect, run_probe

PYTHON = sys.executable


@pytest.fixture
def late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file not yet there: when a probe makes it, an hour is over.  No time of the test's own decides anything."""
    mark, now = tmp_path / "late", time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 3600 * mark.exists())
    return mark


def ends_soon(pid: int) -> bool:
    """Wait for a process to end; tell whether it did."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(descriptor):
        return bool(select.select([descriptor], [], [], 30)[0])


def test_a_probe_gives_its_output_exit_code_and_command():
    result = run_probe(Probe("x", (PYTHON, "-c", "import sys; print('out'); sys.exit('err')")), 10)
    assert (result.stdout, result.stderr, result.exit_code, result.truncated) == ("out\n", "err", 1, False)
    assert result.command.startswith(PYTHON)
    assert result.at.endswith("Z")


def test_a_hung_probe_is_ended_with_everything_it_started(tmp_path: Path, late: Path):
    pid_file = tmp_path / "pid"
    script = f"sleep 1000 & echo $! > {pid_file}; echo begun; touch {late}; echo hangs >&2; wait"
    result = run_probe(Probe("hung", ("sh", "-c", script), timeout_seconds=30), 60)
    assert result.exit_code is None
    assert result.stdout == "begun\n"
    assert "timed out after 30 s" in result.stderr
    assert ends_soon(int(pid_file.read_text(encoding="ascii")))


def test_a_silent_probe_is_ended_when_its_time_is_over():
    result = run_probe(Probe("silent", ("sleep", "1000"), timeout_seconds=0.2), 10)
    assert (result.exit_code, result.stdout) == (None, "")
    assert "timed out after 0.2 s" in result.stderr


def test_a_child_left_in_the_background_cannot_hold_the_gathering_up(late: Path):
    script = f"sleep 1000 & echo done; touch {late}; echo 'left alone' >&2"
    result = run_probe(Probe("daemon", ("sh", "-c", script), timeout_seconds=30), 60)
    assert result.exit_code is None
    assert result.stdout == "done\n"


def test_what_a_probe_said_in_time_counts_though_this_process_looks_late(monkeypatch: pytest.MonkeyPatch):
    """The probe has ended within its time; then the machine was busy for an hour with something else."""
    begun = time.monotonic()

    def all_said(process: subprocess.Popen[bytes], deadline: float, max_bytes: int) -> tuple[bytes, bytes, bool, bool]:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with monkeypatch.context() as later:
            later.setattr(time, "monotonic", lambda: begun + 3600)
            return _collect(process, deadline, max_bytes)

    monkeypatch.setattr("agent.facts.run._collect", all_said)
    result = run_probe(Probe("x", (PYTHON, "-c", "import sys; print('out' * 1000); sys.exit('err')")), 10)
    assert (result.stdout, result.stderr, result.exit_code) == ("out" * 1000 + "\n", "err", 1)


def test_output_over_the_limit_is_cut_and_marked_and_the_exit_code_kept():
    result = run_probe(Probe("big", (PYTHON, "-c", "print('x' * 300000)"), max_bytes=1000), 10)
    assert (len(result.stdout), result.truncated, result.exit_code) == (1000, True, 0)


def test_output_of_exactly_the_limit_is_whole():
    result = run_probe(Probe("full", ("printf", "12345"), max_bytes=5), 10)
    assert (result.stdout, result.truncated) == ("12345", False)


def test_endless_output_is_bounded_in_time_and_size(monkeypatch: pytest.MonkeyPatch):
    ticks = itertools.count(0, 5)  # five seconds go by whenever somebody looks at the clock
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    result = run_probe(Probe("endless", ("yes",), timeout_seconds=30, max_bytes=1000), 60)
    assert (len(result.stdout), result.truncated, result.exit_code) == (1000, True, None)


def test_a_missing_program_is_said_so():
    result = run_probe(Probe("x", ("no-such-program-here",)), 10)
    assert (result.exit_code, result.stderr) == (None, "not found: no-such-program-here")


def test_a_file_that_may_not_be_run_is_said_so(tmp_path: Path):
    program = tmp_path / "program"
    program.write_text("", encoding="ascii")
    result = run_probe(Probe("x", (str(program),)), 10)
    assert (result.exit_code, result.stderr) == (None, "not started: Permission denied")


def test_bytes_that_are_no_text_do_not_break_a_probe():
    assert "\ufffd" in run_probe(Probe("x", ("printf", r"\377")), 10).stdout


def test_a_probe_sees_a_plain_environment_and_no_input(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOME_SECRET", "value")
    result = run_probe(Probe("x", ("sh", "-c", "env; cat; pwd")), 10)
    assert "SOME_SECRET" not in result.stdout
    assert "LC_ALL=C\n" in result.stdout
    assert result.stdout.endswith("/\n")


def test_one_broken_probe_never_stops_the_rest_and_the_whole_time_is_bounded(late: Path):
    hung = Probe("hung", ("sh", "-c", f"touch {late}; echo hangs; exec sleep 1000"), timeout_seconds=30)
    document = gather((Probe("a", ("no-such-program",)), hung, Probe("b", ("true",))), total_seconds=60)
    a, b, c = document["probes"]
    assert a["exit_code"] is None
    assert "timed out" in b["stderr"]
    assert c["stderr"] == "not run: the time for all probes together was used up"


def test_every_probe_has_its_own_name_and_bounds():
    assert len({probe.name for probe in PROBES}) == len(PROBES)
    assert all(0 < probe.timeout_seconds <= 30 and 0 < probe.max_bytes <= 512 * 1024 for probe in PROBES)


def test_no_probe_goes_through_a_shell():
    assert not {probe.argv[0] for probe in PROBES} & {"sh", "bash", "/bin/sh", "sudo", "env"}


def test_no_child_of_a_finished_gathering_is_left():
    before = set(psutil.Process().children(recursive=True))
    gather((Probe("a", ("true",)), Probe("hung", ("sleep", "1000"), timeout_seconds=0.1)))
    assert set(psutil.Process().children(recursive=True)) <= before
