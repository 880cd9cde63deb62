"""The words, shapes and colours of every state, in one place.

A word alone or a colour alone never carries a state: the macro ``state`` of ``parts.html`` shows all three.
"""

from collections.abc import Mapping

from compliance.results import Verdict
from console.i18n import N_
from console.repository_texts import ANOMALIES
from console.store.models import State
from console.web import power_words
from console.web.collected import BASES, KINDS
from console.web.context import _

# State → word.  Shape and colour have the state's own name (icons.svg#state-…, .is-…).
STATES = {
    State.OK: N_("Normal"),
    State.LATE: N_("Late"),
    State.WARN: N_("Warning"),
    State.CRIT: N_("Critical"),
    State.MAINT: N_("Maintenance"),
    State.UNKNOWN: N_("Unknown"),
}
# Worst first.
RANK = (State.CRIT, State.WARN, State.LATE, State.UNKNOWN, State.MAINT, State.OK)

# Value in the store → (state, word).
OUTCOMES = {
    "running": (State.MAINT, N_("Running")),
    "success": (State.OK, N_("Successful")),
    "warning": (State.WARN, N_("With warnings")),
    "failed": (State.CRIT, N_("Failed")),
    "interrupted": (State.WARN, N_("Interrupted")),
    "skipped": (State.UNKNOWN, N_("Put off")),
}
PROOFS = {
    "passed": (State.OK, N_("Proved")),
    "failed": (State.CRIT, N_("Not restorable")),
    "error": (State.WARN, N_("No verdict")),
    "skipped": (State.UNKNOWN, N_("Skipped")),
}
# What a night of the calendar came to; each has a shape of its own.
NIGHTS = {
    "proved": (State.OK, N_("Restore proved")),
    "recovered": (State.LATE, N_("Recovered the same day")),
    "unproved": (State.UNKNOWN, N_("Backed up, not proved")),
    "warning": (State.WARN, N_("With warnings")),
    "failed": (State.CRIT, N_("Backup failed")),
    "disproved": (State.CRIT, N_("Not restorable")),
    "missed": (State.CRIT, N_("No backup that night")),
    "running": (State.MAINT, N_("Running")),
}
NIGHT_SHAPES = {"missed": "missed"}
LEGEND = ("proved", "unproved", "recovered", "warning", "failed", "missed")
RUNS = {
    "successful": (State.OK, N_("Successful")),
    "failed": (State.CRIT, N_("Failed")),
    "unreachable": (State.CRIT, N_("Host unreachable")),
    "canceled": (State.WARN, N_("Canceled")),
    "interrupted": (State.WARN, N_("Interrupted")),
}
TASKS = {
    "ok": (State.OK, N_("Unchanged")),
    "changed": (State.WARN, N_("Changed")),
    "failed": (State.CRIT, N_("Failed")),
    "unreachable": (State.CRIT, N_("Unreachable")),
    "skipped": (State.UNKNOWN, N_("Not needed")),
}
STEPS = {
    "preflight": N_("Checks before the start"),
    "dump": N_("Dump the database"),
    "backup": N_("Back up to the local repository"),
    "check": N_("Check the local repository"),
    "copy": N_("Copy to the offsite vault"),
    "check_offsite": N_("Check the offsite vault"),
    "append_only": N_("Ask both repositories to delete: they must refuse"),
    "guard": N_("Compare with the nights before"),
    "hooks_before": N_("Programs before the backup"),
    "hooks_after": N_("Programs after the backup"),
    "keep": N_("Put the live data aside"),
    "fetch": N_("Fetch from the repository"),
    "files": N_("Restore the files"),
    "restore": N_("Restore the database"),
    "compare": N_("Compare with the manifest"),
    "switch": N_("Put the restored data in place"),
    "open": N_("Open the repository"),
    "read": N_("Read the dump to its end"),
    "base": N_("Put the base backup in place"),
    "wal": N_("Put the changes since then in place"),
    "recover": N_("Bring the database to the point in time"),
    "first_contact": N_("First contact with the bare machine"),
    "reach": N_("Reach the vault"),
    "facility": N_("Bring the facility's directory back"),
    "place": N_("Put certificate authority, store and audit log in place"),
    "provision": N_("Set the facility up"),
    "history": N_("Bring the backup records back"),
    "recovery_key": N_("Give the new repositories the recovery key"),
    "refill": N_("Start refilling the local repositories"),
}
# The steps of the keeper's round at one repository.
KEEPING = {
    "open": N_("Open the repository"),
    "list": N_("List the snapshots"),
    "guard": N_("Compare with the nights before"),
    "check": N_("Check the structure and read the night's share of the data"),
    "heal": N_("Set what is damaged aside"),
    "copy_back": N_("Bring back what only the other repository has"),
    "check_again": N_("Check what was brought back"),
    "settle": N_("See what still waits for its copy"),
    "retention": N_("Remove the backups whose time is over"),
    "prune": N_("Free the space that nothing needs any more"),
}
# The steps of a round at a further copy.
COPYING = {
    "open": N_("Open the copy, or make it"),
    "copy": N_("Copy what is missing there"),
    "check": N_("Check the structure"),
    "retention": N_("Remove the backups whose time is over"),
}
COPIES = {"disk": N_("Removable disk"), "sftp": N_("Partner's server"), "s3": N_("Cloud storage")}
PHASES = {
    "find": N_("Find the newest backup"),
    "fetch": N_("Fetch from the repository"),
    "read": N_("Read the dump to its end"),
    "server": N_("Start the scratch server"),
    "restore": N_("Restore the database"),
    "compare": N_("Compare with the manifest"),
    "amcheck": N_("Check tables and indexes"),
    "self-test": N_("Prove that the test can fail"),
    "files": N_("Compare the files"),
}
NUMBERS = {
    "bytes": N_("size"),
    "bytes_added": N_("added"),
    "bytes_processed": N_("read"),
    "bytes_free": N_("free"),
    "bytes_needed": N_("needed"),
    "files": N_("files"),
    "tables": N_("tables"),
    "rows": N_("rows"),
    "attachments": N_("attachments"),
    "studies": N_("studies"),
    "unreadable": N_("unreadable"),
    "anomalies": N_("anomalies"),
    "snapshots_copied": N_("snapshots copied"),
    "snapshots_missing": N_("snapshots missing"),
    "local_protected": N_("local repository refused"),
    "offsite_protected": N_("offsite vault refused"),
    "roles_made": N_("roles made"),
    "snapshots": N_("snapshots"),
    "sets": N_("backups"),
    "judged": N_("new ones compared"),
    "data_part": N_("part"),
    "data_parts": N_("parts in all"),
    "broken_files": N_("damaged files"),
    "broken_packs": N_("damaged packs"),
    "removed": N_("removed"),
    "bytes_freed": N_("freed"),
}
PURPOSES = {"restore": N_("Restore"), "drill": N_("Drill"), "rebuild": N_("Rebuild")}
WHATS = {"recovery key": N_("Recovery key"), "appliance": N_("The whole appliance")}
ROUNDS = {
    "running": (State.MAINT, N_("Running")),
    "skipped": (State.UNKNOWN, N_("Put off")),
    "success": (State.OK, N_("Whole")),
    "warning": (State.WARN, N_("With warnings")),
    "failed": (State.CRIT, N_("Failed")),
    "interrupted": (State.WARN, N_("Interrupted")),
}
TRIGGERS = {"schedule": N_("Schedule"), "manual": N_("By hand"), "catch_up": N_("Catch-up")}
REPOSITORIES = {"local": N_("Local repository"), "offsite": N_("Offsite vault")}
ANSWERS = {
    "passed": (State.OK, N_("Passed")),
    "failed": (State.CRIT, N_("Differs")),
    "error": (State.WARN, N_("No answer")),
    "skipped": (State.UNKNOWN, N_("Skipped")),
}
VERDICTS: dict[str, tuple[State, str]] = {
    Verdict.COMPLIANT: (State.OK, N_("Compliant")),
    Verdict.PARTIAL: (State.WARN, N_("Partly compliant")),
    Verdict.NONCOMPLIANT: (State.CRIT, N_("Not compliant")),
    Verdict.NOT_APPLICABLE: (State.UNKNOWN, N_("Not applicable")),
    Verdict.UNTESTED: (State.UNKNOWN, N_("Untested")),
}
AUTOMATION = {
    "auto": N_("A probe decides it"),
    "semi": N_("A probe gives a part, a person decides"),
    "manual": N_("A person collects the proof"),
}
LAYERS = {
    "PES": N_("Physical environment"),
    "CNS": N_("Communication network"),
    "ABS": N_("Area boundary"),
    "CES": N_("Computing environment"),
    "SMC": N_("Management centre"),
    "PSS": N_("Security policies"),
    "ORS": N_("Security organisation"),
    "HRS": N_("Security personnel"),
    "CMS": N_("Construction management"),
    "MMS": N_("Operations management"),
}
RESULTS = {
    "success": (State.OK, N_("Done")),
    "failure": (State.WARN, N_("Refused")),
    "locked": (State.CRIT, N_("Locked")),
    "observed": (State.UNKNOWN, N_("Observed")),
}
ACTIONS = {
    "login": N_("Log in"),
    "logout": N_("Log out"),
    "account.created": N_("Account made"),
    "account.locked": N_("Account locked"),
    "account.password_changed": N_("Password changed"),
    "account.locale_changed": N_("Language changed"),
    "first_login.issued": N_("One-time secret issued"),
    "first_login.redeemed": N_("One-time secret used"),
    "audit.verified": N_("Audit log verified"),
    "audit.exported": N_("Audit log exported"),
    "audit.recovered": N_("Audit log recovered after a crash"),
    "backup.downloaded": N_("File downloaded from a backup"),
    "backup.download_ended": N_("Download from a backup ended"),
    "clock.stepped_back": N_("Clock stepped back"),
    "process.started": N_("Service started"),
    "incident.acknowledged": N_("Incident taken care of"),
    "incident.resolved": N_("Incident closed"),
    "notification.tested": N_("Notification route tried"),
    "power.drill_requested": N_("Power drill requested"),
    "recovery.kit_made": N_("Recovery kit made"),
    "recovery.kit_revoked": N_("Recovery kit revoked"),
    "recovery.drill": N_("Recovery kit tried"),
    "recovery.appliance_rebuilt": N_("Appliance rebuilt from the recovery kit"),
}


def state_word(state: str) -> str:
    """Return the word of a state."""
    return _(STATES[State(state)])


WORDED: dict[str, Mapping[str, tuple[State, str]]] = {
    "outcomes": OUTCOMES,
    "proofs": PROOFS,
    "answers": ANSWERS,
    "nights": NIGHTS,
    "rounds": ROUNDS,
    "runs": RUNS,
    "tasks": TASKS,
    "verdicts": VERDICTS,
    "results": RESULTS,
    "power": power_words.POWER,
    "tests": power_words.TESTS,
    "reach": power_words.REACH,
    "power_phases": power_words.PHASES,
    "power_verdicts": power_words.VERDICTS,
    "power_answers": power_words.ANSWERS,
}
NAMED: dict[str, Mapping[str, str]] = {
    "steps": STEPS,
    "keeping": KEEPING,
    "copying": COPYING,
    "copies": COPIES,
    "triggers": TRIGGERS,
    "repositories": REPOSITORIES,
    "phases": PHASES,
    "numbers": NUMBERS,
    "purposes": PURPOSES,
    "whats": WHATS,
    "anomalies": ANOMALIES,
    "automation": AUTOMATION,
    "layers": LAYERS,
    "actions": ACTIONS,
    "kinds": KINDS,
    "bases": BASES,
    "sources": power_words.SOURCES,
    "quantities": power_words.QUANTITIES,
    "alarms": power_words.ALARMS,
    "device_kinds": power_words.DEVICE_KINDS,
    "printer_alerts": power_words.PRINTER_ALERTS,
    "power_causes": power_words.CAUSES,
    "power_checks": power_words.CHECKS,
    "power_details": power_words.STEP_DETAILS,
    "scopes": power_words.SCOPES,
    "hows": power_words.HOWS,
}


def worded(table: str, value: str) -> tuple[str, str]:
    """Return (state, translated word) of a stored value; one that this version does not know is *unknown*."""
    if value not in WORDED[table]:
        return State.UNKNOWN.value, value
    state, word = WORDED[table][value]
    return state.value, _(word)


def named(table: str, value: str | None) -> str:
    """Return the translated name of a stored value, or the value itself when this version has no name for it."""
    if value is None:
        return "–"
    return _(NAMED[table][value]) if value in NAMED[table] else value
