"""What can happen to any job."""

from backup.causes.explanation import Explanation

CAUSES = {
    "hook_failed": Explanation(
        "A program of the backup policy failed",
        "{place}: {detail}.",
        "Correct the program or the policy's hooks, then run: xinglin backup run",
    ),
    "hook_skipped": Explanation(
        "The policy's own program put the backup off",
        "{place} asked not to back up now: {detail}. There is no new backup; the next run tries again.",
        "Nothing to do once. If it goes on for a day, look at what the program waits for.",
    ),
    "local_disk_full": Explanation(
        "This host's disk is full",
        "{place} on this host has no space left ({detail}).",
        "Free space on this host, then run the command again.",
    ),
    "interrupted": Explanation(
        "The backup was interrupted",
        "The run ended before it was done: {detail}. Nothing half-finished counts as a backup.",
        "Nothing to repair: the next run heals by itself. To have one now: xinglin backup run",
    ),
    "already_running": Explanation(
        "Another backup is running",
        "Another job holds {place} ({detail}). This one did not start.",
        "Wait for it to end; look with: xinglin backup status",
    ),
    "timed_out": Explanation(
        "A step took too long",
        "{place} did not finish in time ({detail}) and was stopped.",
        "Look at the load of the hosts and the speed of the network, then run the command again.",
    ),
    "tool_missing": Explanation(
        "A program is missing or too old",
        "{place} cannot be used: {detail}.",
        "Provision this host again: xinglin provision --tags backup",
    ),
    "configuration_wrong": Explanation(
        "The backup configuration is wrong",
        "{place}: {detail}",
        "Correct the facility's backup policy, check it with: xinglin check, then provision the host again.",
    ),
    "unknown": Explanation(
        "The backup failed for a reason this program does not know",
        "{place}: {detail}",
        "Read the log of the unit xinglin-backup (journalctl -u xinglin-backup) and report the text above.",
    ),
}
