"""What a restore test finds, or why it found nothing."""

from backup.causes.explanation import Explanation

CAUSES = {
    "dump_damaged": Explanation(
        "The database dump in the backup is damaged",
        "The dump of {place} cannot be read to its end: {detail}. This backup cannot be restored.",
        "Check the repository, run a new backup and verify it at once: xinglin backup run, then xinglin backup verify",
    ),
    "restore_failed": Explanation(
        "The backup could not be restored",
        "Restoring {place} failed: {detail}. This backup must not be relied on.",
        "Run a new backup and verify it at once. Keep the older snapshots until one has been proved.",
    ),
    "manifest_mismatch": Explanation(
        "The restored data differs from the original",
        "{place} is not what it was when the backup was taken: {detail}. This backup must not be relied on.",
        "Check the repository and the memory of the hosts, run a new backup and verify it at once.",
    ),
    "dump_misdated": Explanation(
        "The database dump is not from the time of its backup",
        "The dump of {place} was made at another time than the backup says: {detail}. "
        "Under a new date there may be old data.",
        "Find out where this dump came from, run a new backup and verify it at once.",
    ),
    "restore_corrupt": Explanation(
        "The restored database has damaged pages or indexes",
        "PostgreSQL's own check of {place} found damage after the restore: {detail}.",
        "Check this host's memory and disk. If the check finds the same in the live database (pg_amcheck), "
        "rebuild the index that it names; then run a new backup and verify it at once.",
    ),
    "self_test_failed": Explanation(
        "The restore test did not notice a spoiled backup",
        "The restore test of {place} was given a spoiled backup and did not tell: {detail}. "
        "What it says about this backup proves nothing.",
        "Report the text above to the makers of this program. Until it is corrected, "
        "restore by hand and compare: xinglin backup restore",
    ),
    "manifest_missing": Explanation(
        "The snapshot has no usable manifest",
        "{place} has no readable manifest ({detail}), so nothing proves what a restore gives back.",
        "Run a new backup and verify it: xinglin backup run, then xinglin backup verify",
    ),
    "snapshot_missing": Explanation(
        "There is no snapshot to verify",
        "{place} holds no finished snapshot of this policy ({detail}).",
        "Run: xinglin backup run",
    ),
    "nothing_compared": Explanation(
        "The restore test found nothing to compare",
        "Of {place} nothing could be restored and compared: {detail}. The backup is neither proved nor disproved.",
        "See whether the policy's paths hold what they should (is a disk not mounted?), "
        "then run: xinglin backup run, and xinglin backup verify",
    ),
    "snapshot_too_old": Explanation(
        "The newest backup is older than allowed",
        "The data in {place} is {detail}. More work would be lost than the facility has accepted.",
        "Find out why the nightly backups did not run or failed: xinglin backup status",
    ),
    "scratch_failed": Explanation(
        "The scratch database for the restore test did not work",
        "The restore test could not be done at {place}: {detail}. The backup is neither proved nor disproved.",
        "Check the free space and memory of this host, then run: xinglin backup verify",
    ),
    "scratch_space": Explanation(
        "Too little space for the restore test",
        "{place} has too little free space to restore into: {detail}. The backup is neither proved nor disproved.",
        "Free space on this host, then run: xinglin backup verify",
    ),
}
