"""Policies save data that are there, the HIS database has a policy, and the schedule can meet the target."""

from collections.abc import Iterator

from inventory.draft import Draft
from inventory.mistakes import Mistake
from inventory.schema.host import DATABASE_GROUPS

HOURS_BETWEEN_BACKUPS = 24


def check_backup(draft: Draft) -> Iterator[Mistake]:
    """Yield sources on hosts without a database, a HIS database without a policy, an RPO below the interval."""
    for policy in draft.section("backup_policies"):
        hours = policy.get("rpo_hours").value
        if isinstance(hours, int) and 0 < hours < HOURS_BETWEEN_BACKUPS:
            problem = f"one backup a day can't lose less than {HOURS_BETWEEN_BACKUPS} hours, {hours} is asked for"
            yield policy.get("rpo_hours").mistake(problem, f"{HOURS_BETWEEN_BACKUPS} or more")
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
