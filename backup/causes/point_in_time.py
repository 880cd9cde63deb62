"""What keeps PostgreSQL's log from being stored or gone through."""

from backup.causes.explanation import Explanation

CAUSES = {
    "base_failed": Explanation(
        "The base backup for any point in time failed",
        "The base backup of {place} ended with an error: {detail}. No snapshot of it was kept.",
        "Correct the cause named above in PostgreSQL, then run: xinglin backup run",
    ),
    "base_missing": Explanation(
        "There is no base backup before this time",
        "{place} holds no base backup from which the time can be reached ({detail}).",
        "Choose a later time, or restore the database from a set: xinglin backup restore --list",
    ),
    "base_damaged": Explanation(
        "The base backup for any point in time is damaged",
        "PostgreSQL's own check refuses {place}: {detail}. No point in time can be reached from it.",
        "Check the repository, run a new backup and verify it at once: xinglin backup run, then xinglin backup verify",
    ),
    "wal_not_archived": Explanation(
        "PostgreSQL's log is not being archived",
        "{place} does not hand over its log (WAL): {detail}. Work since the last backup cannot be brought back.",
        "Provision this host again (xinglin provision --tags his,backup), and see PostgreSQL's own log for the reason.",
    ),
    "wal_dropped": Explanation(
        "A part of PostgreSQL's log was given up, as the disk was nearly full",
        "There was no room left for the log of {place} ({detail}). Times after this are out of reach until the next "
        "base backup; the database itself went on.",
        "Bring the repositories back within reach or free space on this host; then run: xinglin backup run",
    ),
    "wal_gap": Explanation(
        "A part of PostgreSQL's log is missing",
        "The log in {place} has a gap: {detail}. Nothing after the gap can be reached from this base backup.",
        "Choose a time before the gap, or restore the database from a later set: xinglin backup restore --list",
    ),
    "wal_ends_early": Explanation(
        "PostgreSQL's log in the backup ends before this time",
        "The log in {place} does not reach that far ({detail}). Nothing was changed.",
        "To have all that there is, ask for: --until latest. The other repository or the server itself may have more.",
    ),
    "recovery_failed": Explanation(
        "PostgreSQL could not replay its log",
        "The recovery at {place} failed: {detail}. Nothing live was changed.",
        "Try an older base (an earlier time), or restore the database from a set: xinglin backup restore --list",
    ),
}
