"""What keeps a further copy (disk, SFTP, S3) from being made."""

from backup.causes.explanation import Explanation

CAUSES = {
    "copy_disk_missing": Explanation(
        "No backup disk is plugged in",
        "Of the disks of the copy {place} none is plugged in; they were last seen: {detail}. The other "
        "repositories are not affected, but tonight nothing new is on a disk.",
        "Plug one of them into the appliance, then on it: systemctl start xinglin-copies",
    ),
    "copy_disk_overdue": Explanation(
        "A backup disk has not been plugged in for long",
        "Of the copy {place}, these disks were last seen more than two weeks ago, or never: {detail}. What they "
        "hold grows old, and whether they still work is not known.",
        "Swap the disks: plug this one in for a night and take the other one out of the building. If it is lost or "
        "broken, put another one in its place, with the same label.",
    ),
    "copy_disk_refused": Explanation(
        "The backup disk cannot be written to",
        "Nothing can be stored on the disk at {place}: {detail}. What is on it can still be restored.",
        "See whether it has a write-protection switch or errors (dmesg; fsck); its file system must be ext4 or "
        "XFS. Then on the appliance: systemctl start xinglin-copies",
    ),
    "repository_read_only": Explanation(
        "The repository's disk is read-only",
        "{place} cannot be written to: {detail}. Linux makes a disk read-only when it fails.",
        "Look at the kernel's log (dmesg) and at the disk (smartctl -a) before you mount it writable again.",
    ),
    "copy_full": Explanation(
        "A further copy of the backups is full",
        "{place} has no room for what is new ({detail}); what is there can still be restored. The other "
        "repositories are not affected.",
        "Make room there, take a larger disk, or shorten the retention of this copy in the facility; then on the "
        "appliance: systemctl start xinglin-copies",
    ),
    "copy_unreachable": Explanation(
        "A further copy of the backups cannot be reached",
        "{place} did not answer ({detail}). The other repositories are not affected; the next night copies what is "
        "missing.",
        "Check the line and that server. To try it at once, on the appliance: systemctl start xinglin-copies",
    ),
    "copy_refused": Explanation(
        "A further copy refused the facility's key",
        "{place} did not let the appliance in, or did not let it write: {detail}. Nothing was stored there.",
        "For SFTP give the partner the appliance's public key (/etc/xinglin/secrets/copies_ed25519.pub); for S3 "
        "check the key's id, secret and rights. Then: xinglin provision --tags repository",
    ),
    "copy_key_changed": Explanation(
        "The server of a further copy is not the one that is known",
        "{place} shows another host key than the facility has on record ({detail}). Nothing was sent: it may be "
        "replaced, or another machine in its place.",
        "Ask the partner. If the new key is right, correct host_key in the facility; then: xinglin provision "
        "--tags repository",
    ),
    "copy_incomplete": Explanation(
        "Snapshots are missing in a further copy",
        "restic reported success, but {place} still lacks snapshots: {detail}.",
        "On the appliance: systemctl start xinglin-copies. If it happens again, check that disk or server.",
    ),
    "copy_renewed": Explanation(
        "A further copy was gone and was made anew",
        "The repository at {place} held {detail} snapshots and was not there any more. A new one was made, and "
        "everything that is kept is copied again.",
        "Find out who removed it, or whether the disk was formatted. The facility's repository password opens the new "
        "one, too; a recovery code does not.",
    ),
    "copy_not_thinned": Explanation(
        "Old backups could not be removed from a further copy",
        "{place} keeps more than it should ({detail}). Nothing is lost, but it grows.",
        "If its key may not delete on purpose, make room for that; otherwise give it the right to delete.",
    ),
    "copy_slow": Explanation(
        "The night was too short for a further copy",
        "{place} was not done in time ({detail}) and was stopped. What arrived stays; the next night goes on from "
        "there.",
        "The first copy takes several nights over a slow line. If it stays so, shorten its retention or use a disk.",
    ),
    "copy_failed": Explanation(
        "A further copy of the backups failed",
        "{place}: {detail}. The other repositories are not affected.",
        "On the appliance: journalctl -u xinglin-copies -n 50; then: systemctl start xinglin-copies",
    ),
}
