"""Policies save data that are there, the HIS database has a policy, and the schedule can meet the target."""

from collections.abc import Iterator
from itertools import pairwise

from inventory.draft import Draft
from inventory.mistakes import Mistake, nearest
from inventory.schema.host import DATABASE_GROUPS
from inventory.view import View

MINUTES_A_DAY = 24 * 60


def check_backup(draft: Draft) -> Iterator[Mistake]:
    """Yield sources on hosts without a database, a HIS database without a policy, targets that can't be met."""
    for policy in draft.section("backup_policies"):
        yield from _check_interval(policy)
        yield from _check_devices(draft, policy)
    yield from _check_labels(draft)
    if draft.hosts is None or draft.variables.value is None:
        return
    databases = {entry.name for entry in draft.hosts if set(entry.groups) & set(DATABASE_GROUPS)}
    saved: set[str] = set()
    for policy in draft.section("backup_policies"):
        sources = list(policy.get("sources").items())
        if not any(source.get(kind).value for source in sources for kind in ("postgresql", "mariadb")):
            continue
        for host in policy.get("hosts").items():
            saved.add(host.text or "")
            if host.text in draft.host_names() and host.text not in databases:
                groups = " or ".join(DATABASE_GROUPS)
                problem = f"host {host.text} has no database, but the policy saves one"
                yield host.mistake(problem, f"a host in the group {groups}: {', '.join(sorted(databases)) or 'none'}")
    for entry in draft.hosts:
        if "his_database" in entry.groups and entry.name not in saved:
            problem = f"no backup policy saves the database of {entry.name}"
            yield draft.variables.get("backup_policies").mistake(
                problem, f"a policy with hosts: [{entry.name}] and a source postgresql or mariadb"
            )


def _check_interval(policy: View) -> Iterator[Mistake]:
    times = [policy.get("schedule").text, *(item.text for item in policy.get("also_at").items())]
    # A time with a mistake of its own still means one backup a day.
    minutes = sorted(minute for text in times if (minute := _minute(text or "")) is not None) or [0]
    gaps = [later - earlier for earlier, later in pairwise([*minutes, minutes[0] + MINUTES_A_DAY])]
    longest, hours = max(gaps) / 60, policy.get("rpo_hours").value
    if isinstance(hours, int) and 0 < hours < longest:
        often = "one backup a day" if len(minutes) == 1 else f"{len(minutes)} backups a day, up to {longest:g} h apart,"
        problem = f"{often} can't lose less than {longest:g} hours, {hours} is asked for"
        yield policy.get("rpo_hours").mistake(problem, f"{longest:g} or more, or further times in also_at")


def _minute(text: str) -> int | None:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute) if hour.isdigit() and minute.isdigit() else None


def _check_labels(draft: Draft) -> Iterator[Mistake]:
    owners: dict[str, str] = {}
    for copy in draft.section("backup_copies"):
        name = copy.get("name").text or ""
        for label in copy.get("disk").get("labels").items():
            if label.text and owners.setdefault(label.text, name) != name:
                problem = f"disk {label.text} is already one of the copy {owners[label.text]}"
                yield label.mistake(problem, "each disk in one copy only")


def _check_devices(draft: Draft, policy: View) -> Iterator[Mistake]:
    known = {
        item.get("name").text: item
        for section in ("gateways", "access_points")
        for item in draft.section(section)
        if item.get("name").text
    }
    for source in policy.get("sources").items():
        for name in source.get("devices").items():
            device = known.get(name.text)
            if device is None:
                names = frozenset(text for text in known if text)
                yield name.mistake(f"unknown device {name.text}", nearest(name.text or "", names))
            elif not device.get("host_key").text:
                problem = f"device {name.text} has no host_key, so nothing proves that it is the right machine"
                yield name.mistake(problem, "host_key: its SSH host key, as ssh-keyscan prints it, on the device")
