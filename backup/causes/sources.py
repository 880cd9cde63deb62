"""What keeps a source from being captured."""

from backup.causes.explanation import Explanation

CAUSES = {
    "source_missing": Explanation(
        "A path that should be backed up does not exist",
        "{place} does not exist on this host. Nothing was backed up, so that no incomplete backup looks complete.",
        "Correct the path in the backup policy, or mount the missing file system; then run: xinglin backup run",
    ),
    "source_unreadable": Explanation(
        "Some files could not be read",
        "Files under {place} are missing from the snapshot: {detail}.",
        "Check the permissions and the health of this file system, then run: xinglin backup run",
    ),
    "source_damaged": Explanation(
        "A database file is damaged",
        "SQLite finds {place} damaged: {detail}. Nothing was backed up, so that no damaged copy replaces a good one.",
        "Stop the program that uses the file, keep it as it is, and restore the newest good backup beside it: "
        "xinglin backup restore",
    ),
    "database_unreachable": Explanation(
        "The database cannot be reached",
        "The backup could not connect to {place}: {detail}. The database was not backed up.",
        "Check that the database server runs on this host and that the database exists, then run: xinglin backup run",
    ),
    "database_locked": Explanation(
        "The database's tables are locked",
        "Another session changes or locks tables of {place}: {detail}. The database was not backed up.",
        "Let the schema change or maintenance end, or move it away from the backup's time; "
        "then run: xinglin backup run",
    ),
    "database_busy": Explanation(
        "The database could not be held still for a moment",
        "{place} did not grant the short lock with which a backup begins: {detail}. It was not backed up; "
        "nothing stays locked.",
        "Look for a statement that runs very long or a migration (SHOW PROCESSLIST), then run: xinglin backup run",
    ),
    "schema_changed": Explanation(
        "The database's structure was changed while it was backed up",
        "{place} is not what it was when the dump began: {detail}. The dump may hold a mixture, so it does not "
        "count as a backup.",
        "When the upgrade of the application is done, run: xinglin backup run",
    ),
    "dump_failed": Explanation(
        "The database dump failed",
        "The dump of {place} ended with an error: {detail}. No snapshot of it was kept.",
        "Correct the cause named above in the database, then run: xinglin backup run",
    ),
    "dump_stalled": Explanation(
        "The database dump hung",
        "The dump of {place} moved no data for too long ({detail}) and was stopped. No snapshot of it was kept.",
        "Look for long locks in the database (pg_locks) and at the repository's speed, then run: xinglin backup run",
    ),
    "share_refused": Explanation(
        "The Windows share refused the backup's account",
        "{place} refused the user or the password: {detail}. Nothing of it was backed up.",
        "Check the account on the Windows computer and its password in the facility's vault; then provision the "
        "host again.",
    ),
    "share_missing": Explanation(
        "The Windows share does not exist",
        "There is no {place} on that computer: {detail}. Nothing of it was backed up.",
        "Look at the computer's shares and correct the name in the backup policy, or share the folder again.",
    ),
    "share_unreachable": Explanation(
        "The Windows share cannot be reached",
        "{place} did not answer, or the connection broke: {detail}. Nothing of it was backed up.",
        "Check that the computer is on at the time of the backup and that the network lets this host through to "
        "port 445.",
    ),
    "share_stalled": Explanation(
        "Reading the Windows share hung",
        "{place} gave no data for too long: {detail}. The usual reason is a file that another program made "
        "shorter while it was read. Nothing of it was backed up.",
        "Run: xinglin backup run. If it happens with the same file again, back up at a time when its program is "
        "closed.",
    ),
    "share_empty": Explanation(
        "The Windows share is empty",
        "{place} holds no file that could be read ({detail}). That is never what was meant, so it does not count "
        "as a backup.",
        "Check on that computer whether the disk behind the share is there and whether the account may read it.",
    ),
    "share_failed": Explanation(
        "Reading the Windows share failed",
        "{place}: {detail}. Nothing of it was backed up.",
        "Read the text above; try smbclient by hand with the same credentials file, then run: xinglin backup run",
    ),
    "device_silent": Explanation(
        "A network device did not answer",
        "{place} gave no configuration: {detail}. Everything else was backed up.",
        "Check that the device is on and that this host may reach it by SSH. The next run asks it again.",
    ),
    "device_refused": Explanation(
        "A network device refused the backup's key",
        "{place} did not accept the key: {detail}. Everything else was backed up.",
        "Put the backup's public key on the device again (its user may have been removed with a reset).",
    ),
    "device_key_changed": Explanation(
        "A network device is not the one that is known",
        "{place} shows {detail}. It was not asked for anything: it may be replaced, reset, or another machine in "
        "its place.",
        "Find out which. If it is right, put the device's new host key into the facility's known hosts and "
        "provision again.",
    ),
    "device_answer_wrong": Explanation(
        "A network device gave no whole configuration",
        "{place} answered, but not with a whole configuration: {detail}. The answer was not kept.",
        "Log in by hand with the same user and run the command; check the user's rights and the device's "
        "platform in the policy.",
    ),
}
