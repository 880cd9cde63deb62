"""What is wrong with a repository, its server or the way to it."""

from backup.causes.explanation import Explanation

CAUSES = {
    "repository_full": Explanation(
        "The backup repository is full",
        "{place} has no room for new backups ({detail}); the old ones can still be restored.",
        "Free or add space on the repository's disk, then run: xinglin backup run",
    ),
    "repository_unreachable": Explanation(
        "The backup repository cannot be reached",
        "{place} did not answer ({detail}). Since the last good backup, new data is only on this host.",
        "Check the appliance, the network path and the unit xinglin-repository; then run: xinglin backup run",
    ),
    "repository_missing": Explanation(
        "There is no backup repository",
        "{place} holds no restic repository. Nothing is being backed up there.",
        "Run: xinglin backup init. If a repository existed before, find out who removed it first.",
    ),
    "repository_refused": Explanation(
        "The repository server refused this host",
        "{place} refused the host's name or HTTP password ({detail}). Nothing was stored.",
        "Provision the host and the repository server again, so that both have the same HTTP password.",
    ),
    "repository_locked": Explanation(
        "The repository is locked",
        "Another restic process holds {place} ({detail}). This run had to stop.",
        "Wait for the other process to end. If none is running, the next run removes the stale lock itself.",
    ),
    "repository_damaged": Explanation(
        "The repository is damaged",
        "The check of {place} found damage: {detail}. Some snapshots may not be restorable.",
        "Keep the repository as it is, check the disk and the memory, and restore from the other repository if needed; "
        "then follow the runbook for repository repair.",
    ),
    "wrong_password": Explanation(
        "The repository password is wrong",
        "{place} cannot be opened with this host's repository password. Nothing can be backed up or restored here.",
        "Compare the repository password in the vault with the one the repository was made with; provision again.",
    ),
    "certificate_expired": Explanation(
        "The repository server's certificate is not valid now",
        "The certificate of {place} has expired or is not valid yet ({detail}). Nothing was sent.",
        "Compare the clocks of both hosts, then renew the certificates: xinglin provision --tags pki",
    ),
    "certificate_untrusted": Explanation(
        "The repository server's certificate is not trusted",
        "The certificate of {place} is not from the facility's own authority, or is for another name ({detail}). "
        "Nothing was sent.",
        "Find out which machine answers at this address. If it is the right one: xinglin provision --tags pki",
    ),
    "offsite_unreachable": Explanation(
        "The offsite vault cannot be reached",
        "{place} did not answer ({detail}). The local backup is good; the loss of the whole site would cost new data.",
        "Check the line to the offsite vault. The next run copies everything that is missing.",
    ),
    "offsite_incomplete": Explanation(
        "Snapshots are missing at the offsite vault",
        "After the copy, {place} still lacks snapshots: {detail}. A loss of the whole site would cost that data.",
        "Run: xinglin backup run. If it happens again, look at the vault's disk and its log.",
    ),
    "snapshot_not_found": Explanation(
        "The new snapshot is not in the repository",
        "restic reported success, but {place} does not list the snapshot ({detail}). It counts as not backed up.",
        "Run: xinglin backup run. If it happens again, check the repository server's disk and log.",
    ),
    "not_append_only": Explanation(
        "The repository does not refuse deletion",
        "{place} would let this host's key delete backups ({detail}). Ransomware on this host could destroy them.",
        "Start the repository server with --append-only at once: xinglin provision --tags repository. "
        "Then look for missing snapshots.",
    ),
    "clock_wrong": Explanation(
        "Two clocks do not agree",
        "The clocks of this host and of {place} are {detail} apart. Times of backups, retention and certificates "
        "depend on them.",
        "Find out which clock is wrong, correct the time synchronisation there (chronyc tracking), then run: "
        "xinglin backup run",
    ),
}
