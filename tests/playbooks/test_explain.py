"""Every problem is stated as place, cause, next step."""

import pytest

from playbooks.explain import explain
from playbooks.record import TaskResult, TaskStatus

CHANGED_KEY = "@@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@@\nHost key verification failed."


def problem(status: TaskStatus, message: str, place: str = "") -> TaskResult:
    return TaskResult(
        "his1", "base", "base : Install", "apt", status, 1.0, "2026-11-23T00:00:00Z", None, message, place
    )


@pytest.mark.parametrize(
    ("said", "cause", "step"),
    [
        ("EOF on stream\nssh: connect to host 198.18.0.11 port 22: No route to host", "does not answer", "cable"),
        ("Task failed: Connection timed out.", "does not answer", "cable"),
        ("ssh: connect to host 198.18.0.11 port 22: Connection refused", "no SSH server", "systemctl status ssh"),
        ("xinglin-ops@198.18.0.11: Permission denied (publickey).", "refuses the operator's key", "authorized_keys"),
        (CHANGED_KEY, "not the recorded one", "/clinic/known_hosts"),
        ("something never seen", "connection broke", "run again"),
    ],
)
def test_a_host_that_cannot_be_reached(said: str, cause: str, step: str):
    statement = explain(problem(TaskStatus.UNREACHABLE, said), "/clinic")
    assert statement.place == "his1"
    assert cause in statement.cause
    assert said.splitlines()[-1].split(":")[-1].strip(" .") in statement.cause
    assert step in statement.next_step


def test_a_delegated_task_names_the_host_that_it_could_not_reach():
    statement = explain(problem(TaskStatus.UNREACHABLE, "Connection timed out", "appliance1"), "/clinic")
    assert statement.place == "appliance1"


def test_a_failure_with_a_next_step_gives_it_and_one_without_says_what_is_left_to_do():
    told = explain(problem(TaskStatus.FAILED, "pip failed. Next: see that nginx runs.\nno such host"), "/clinic")
    assert (told.place, told.cause) == ("his1, base, 'Install'", "pip failed.")
    assert told.next_step.splitlines()[0] == "see that nginx runs."
    untold = explain(problem(TaskStatus.FAILED, "disk full"), "/clinic")
    assert untold.cause == "disk full"
    assert "run again" in untold.next_step
    assert str(untold).startswith("his1, base, 'Install': disk full\n    next: ")
