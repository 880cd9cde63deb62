"""What keeps people from getting something back."""

from backup.causes.explanation import Explanation

CAUSES = {
    "browse_unavailable": Explanation(
        "The snapshots cannot be looked into",
        "The browse service on the appliance ({place}) cannot be used: {detail}. The backups are not affected.",
        "Try again in a minute. If it stays so, look at the appliance's log (journalctl -u 'xinglin-browse*') and "
        "provision it: xinglin provision --tags browse",
    ),
    "browse_refused": Explanation(
        "The browse service refused the question",
        "It does not have the right form: {place}: {detail}. Nothing was read.",
        "Open the list of backups again and choose from it.",
    ),
    "not_in_snapshot": Explanation(
        "This is not in the snapshot",
        "{place}: {detail}.",
        "Choose from the directory's list. What is neither a file nor a directory, or has a name that is not UTF-8, "
        "comes back with: xinglin backup restore",
    ),
    "snapshot_gone": Explanation(
        "This snapshot is not there any more",
        "{place}: {detail}. Retention removes old backups.",
        "Open the list of backups again and choose another time.",
    ),
    "download_broken": Explanation(
        "The download broke off",
        "{place}: {detail}. What arrived is not the whole file.",
        "Download it again. If it breaks off again, look at the last check of the repository.",
    ),
    "restore_running": Explanation(
        "Another restore is running",
        "Another restore holds {place} ({detail}). This one did not start.",
        "Wait for it to end, then run the command again.",
    ),
    "restore_interrupted": Explanation(
        "The restore was interrupted",
        "The restore ended before it was done: {detail}. Nothing half-restored has the name of something whole.",
        "Run the same command again: it removes what is half done and starts anew.",
    ),
    "not_confirmed": Explanation(
        "The restore was not confirmed",
        "This would change live data, so the name {place} must be typed exactly; {detail}. Nothing was changed.",
        "Look at what would be written (--dry-run); then confirm with that name, or restore beside the live data.",
    ),
    "set_missing": Explanation(
        "There is no such backup set",
        "{place} has no finished set that matches {detail}.",
        "List the sets with: xinglin backup restore --list",
    ),
    "not_in_backup": Explanation(
        "This is not in the backup",
        "{place} does not hold {detail}. Nothing was restored.",
        "Correct the name, or choose an older set: xinglin backup restore --list",
    ),
    "target_exists": Explanation(
        "The target of the restore exists already",
        "{place} exists already ({detail}). Nothing was overwritten.",
        "Choose another target, or remove this one if nobody needs it.",
    ),
    "target_space": Explanation(
        "Too little space for the restore",
        "The file system of {place} is too small: {detail}. Nothing was written.",
        "Free space there, or restore to another target.",
    ),
    "target_failed": Explanation(
        "The target did not take the restored data",
        "Writing to {place} failed: {detail}. Databases in use are as they were; old versions of files were kept.",
        "Correct the cause named above on this host, then run the same command again.",
    ),
}
