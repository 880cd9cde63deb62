"""Set a facility up: first contact, wheelhouse, one run of Ansible, its record."""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from inventory.loader import Facility, Host, load_facility
from playbooks import delivery, first_contact, wheelhouse
from playbooks.engine import RUNS, RunRequest, new_record, run
from playbooks.explain import Statement, explain
from playbooks.first_contact import Contacts
from playbooks.login import CREDENTIALS, Credential, Target
from playbooks.progress import Progress
from playbooks.record import RunRecord, TaskResult, TaskStatus, finished, timestamp

Ask = Callable[[Target], Credential | None]


class LimitError(Exception):
    """A run was limited to something that is no host or group of the facility."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: ``status`` of the record, number of ``changed`` tasks, a statement for each host in trouble."""

    status: str
    changed: int
    statements: tuple[Statement, ...]
    record: RunRecord


def target(facility: Facility, host: Host) -> Target:
    """Return how the operator logs in at ``host``."""
    known_hosts = facility.directory.absolute() / first_contact.KNOWN_HOSTS
    key = facility.operator_key.absolute()
    return Target(host.name, host.address, host.port, facility.operator.user, key, known_hosts)


def provision(
    directory: Path,
    *,
    check: bool = False,
    limit: str | None = None,
    tags: Sequence[str] = (),
    credentials: Path | None = None,
    ask: Ask = lambda _: None,
    progress: Progress | None = None,
) -> Outcome:
    """Set the facility in ``directory`` up and return how it went; hosts that fail stop no other host.

    ``credentials`` is a file of first logins (default: first-contact.yml in ``directory``); ``ask`` is asked for a
    host that has none there.  Raises FacilityError, LimitError, FirstContactError (for the file),
    WheelhouseError, AnsibleError and RunningAlreadyError.
    """
    facility = load_facility(directory)
    limited = _limited(facility, limit)
    root = directory.absolute()
    progress = progress or Progress(sys.stderr)
    request = RunRequest(root, check=check, limit=limit, tags=tuple(tags))
    with ExitStack() as stack:
        stack.enter_context(delivery.only_run(root))
        record = new_record(request, datetime.now(UTC))
        contacts = _contact([target(facility, host) for host in limited], request, credentials, ask, progress)
        lost = tuple(_lost(host, why) for host, why in contacts.problems.items())
        record = replace(record, tasks=lost)
        delivery.keep(root, record)
        rest = [host.name for host in limited if host.name not in contacts.problems]
        if rest:
            wheelhouse.prepare(root, progress.say)
            request = _reachable(stack, request, contacts)
            record = run(request, record, progress)
        else:
            record = finished(record, "successful", datetime.now(UTC))
        delivery.keep(root, record)
        _deliver(facility, record, progress)
    changed = sum(task.status is TaskStatus.CHANGED for task in record.tasks)
    # A host's last problem is the one that stopped it; one before it was rescued.
    last = {task.host: task for task in record.problems()}
    statements = tuple(_statement(task, root) for task in last.values())
    return Outcome(str(record.status), changed, statements, record)


def _limited(facility: Facility, limit: str | None) -> tuple[Host, ...]:
    """Return the hosts that ``limit`` (names of hosts and groups, separated by commas) means."""
    names = [name.strip() for name in (limit or "all").split(",")]
    known = {"all"}.union(*({host.name, *host.groups} for host in facility.hosts))
    for name in names:
        if name not in known:
            raise LimitError(
                f"--limit names {name!r}, which is no host or group. There are: {', '.join(sorted(known))}."
            )
    return tuple(host for host in facility.hosts if {"all", host.name, *host.groups} & set(names))


def _contact(hosts: Sequence[Target], request: RunRequest, file: Path | None, ask: Ask, progress: Progress) -> Contacts:
    """Take over the hosts that are not known yet; a check only looks at them and says what a run would do."""
    targets = first_contact.unknown(hosts)
    if not targets:
        return Contacts({}, {}, {}, {})
    progress.say(f"first contact with {', '.join(one.name for one in targets)}")
    given = first_contact.read_credentials(file or request.facility / CREDENTIALS)
    given |= {one.name: answer for one in targets if one.name not in given and (answer := ask(one))}
    visit = first_contact.inspect if request.check else first_contact.take_over
    contacts = first_contact.contact(targets, given, visit)
    for name, line in contacts.lines.items():
        print_ = first_contact.fingerprint(line)
        if request.check:
            what = "only record its key" if contacts.ready[name] else f"make {targets[0].operator} with key and sudo"
            progress.say(f"{name}: not taken over yet; a run would {what} (host key {print_})")
        else:
            progress.say(f"{name}: taken over, host key {print_}: compare it with the host's own")
    if not request.check:
        first_contact.record(targets[0].known_hosts, list(contacts.lines.values()))
    return contacts


def _reachable(stack: ExitStack, request: RunRequest, contacts: Contacts) -> RunRequest:
    """Return the request without lost hosts and, for a check, with what it takes to log in where no operator is yet."""
    if contacts.problems:
        limit = ",".join([request.limit or "all", *(f"!{name}" for name in contacts.problems)])
        request = replace(request, limit=limit)
    if not request.check or not contacts.lines:
        return request
    known = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="xinglin-known-"))) / first_contact.KNOWN_HOSTS
    recorded = request.facility / first_contact.KNOWN_HOSTS
    known.write_text(recorded.read_text(encoding="utf-8") if recorded.is_file() else "", encoding="utf-8")
    first_contact.record(known, list(contacts.lines.values()))
    hosts = {name: first_contact.credential_variables(one) for name, one in contacts.used.items()}
    return replace(request, known_hosts=known, extra_inventory=json.dumps({"all": {"hosts": hosts}}) if hosts else None)


def _lost(host: str, why: str) -> TaskResult:
    now = timestamp(datetime.now(UTC))
    return TaskResult(host, None, "First contact", "first_contact", TaskStatus.UNREACHABLE, 0.0, now, None, why)


def _statement(task: TaskResult, root: Path) -> Statement:
    if task.action == "first_contact":
        # The message itself begins with the place.
        cause, _, step = (task.message or "").partition(" Next: ")
        place, _, cause = cause.partition(": ")
        return Statement(place, cause, step)
    return explain(task, str(root))


def _deliver(facility: Facility, record: RunRecord, progress: Progress) -> None:
    """Bring the record to the console; when that is not possible now, the next run does it."""
    unreachable: Mapping[str, bool] = {
        task.host: True for task in record.problems() if task.status is TaskStatus.UNREACHABLE
    }
    appliance = target(facility, facility.appliance)
    if facility.appliance.name in unreachable or first_contact.unknown([appliance]):
        why = f"{appliance.name} is not reachable"
    else:
        why = delivery.deliver(facility.directory.absolute(), appliance)
    if why:
        progress.say(f"run record kept in {facility.directory / RUNS}: {why}; the next run delivers it")


__all__ = ["LimitError", "Outcome", "provision", "target"]
