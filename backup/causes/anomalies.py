"""What is odd about a night: codes of ``backup.rules.guard``."""

from backup.causes.explanation import Explanation

CAUSES = {
    "anomaly_found": Explanation(
        "This backup does not look like the ones before",
        "{place}: {detail}. This may be ransomware, a deletion by mistake, or a change that you know about.",
        "Look at the host before anything else. If the change is known, record the decision on the repository's "
        "server: xinglin backup decide",
    ),
    "sudden_growth": Explanation(
        "A backup brought far more new data than usual",
        "{place}: {detail}.",
        "Find out what was imported that night. If nothing was, look at the host for encrypted files.",
    ),
    "mass_change": Explanation(
        "Very many files changed in one night",
        "{place}: {detail}.",
        "Look at the host before anything else: ransomware changes files like this. Keep the backups from before.",
    ),
    "mass_deletion": Explanation(
        "Very many files were deleted in one night",
        "{place}: {detail}.",
        "Ask who deleted them. If nobody meant to, restore them: xinglin backup restore",
    ),
    "incompressible": Explanation(
        "New data looks as if it were encrypted",
        "{place}: {detail}.",
        "Open some of the new files on the host. If they are encrypted, take the host off the network.",
    ),
    "changed_types": Explanation(
        "Many files have new extensions",
        "{place}: {detail}.",
        "Look at these files on the host: ransomware renames what it encrypts.",
    ),
    "small_dump": Explanation(
        "A dump is much smaller than the one before",
        "{place}: {detail}.",
        "Look in the database for what is missing, before the older backups are gone.",
    ),
    "odd_time": Explanation(
        "A snapshot has an impossible time",
        "{place}: {detail}.",
        "Compare the host's clock. If it is right, somebody with the host's key made this snapshot.",
    ),
    "many_snapshots": Explanation(
        "There are more backups than the schedule makes",
        "{place}: {detail}.",
        "Ask who started them. If nobody did, somebody has the host's key: they may be meant to push good backups out.",
    ),
}
