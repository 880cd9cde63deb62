"""Say what went wrong in a run: place, cause, next step."""

import re
from dataclasses import dataclass

from playbooks.record import TaskResult, TaskStatus

NEW_HOST = "remove its line from {facility}/known_hosts and give its first login in {facility}/first-contact.yml"

# What SSH and Ansible say → (cause, next step).  The first that matches counts.
UNREACHABLE = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key.*(mismatch|incorrect|changed)",
        "its SSH host key is not the recorded one",
        f"if the host was installed anew, {NEW_HOST}; if not, somebody may be in between: do not log in",
    ),
    (
        r"Permission denied|incorrect password|authentication",
        "it refuses the operator's key",
        f"see that the operator's account has its authorized_keys; if the host was installed anew, {NEW_HOST}",
    ),
    (
        r"timed out|timeout|No route to host|unreachable",
        "it does not answer",
        "see that it is on and its cable in place",
    ),
    (r"Connection refused", "it answers, but no SSH server does", "on the host: systemctl status ssh"),
    (r"Could not resolve|Name or service not known", "its name has no address", "correct ansible_host in hosts.yml"),
)


@dataclass(frozen=True)
class Statement:
    """One problem as a person reads it."""

    place: str
    cause: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.place}: {self.cause}\n    next: {self.next_step}"


def explain(problem: TaskResult, facility: str) -> Statement:
    """Return the statement of a task that failed or whose host did not answer."""
    said = problem.message or "no message"
    if problem.status is TaskStatus.UNREACHABLE:
        host = problem.place or problem.host
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        for pattern, cause, step in UNREACHABLE:
            for line in reversed(lines):
                if re.search(pattern, line, re.IGNORECASE):
                    next_step = step.format(facility=facility) + "; then run again"
                    return Statement(host, f"{cause} ({line[:200]})", next_step)
        return Statement(host, f"the connection broke ({lines[-1][:200]})", "see that it is on, then run again")
    place = f"{problem.host}, {problem.role + ', ' if problem.role else ''}{_bare(problem)!r}"
    cause, separator, step = said.partition("Next: ")
    if separator:
        return Statement(place, cause.strip(), step.strip().replace("\n", "\n    "))
    return Statement(place, said.replace("\n", "\n    "), "correct what the message names, then run again")


def _bare(problem: TaskResult) -> str:
    return problem.task.removeprefix(f"{problem.role} : ")
