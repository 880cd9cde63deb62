"""What the keeper and the watch meet beside the repositories."""

from backup.causes.explanation import Explanation

CAUSES = {
    "retention_paused": Explanation(
        "Old backups are not removed any more until a person decides",
        "{place} holds snapshots that do not look like those of other nights: {detail}. Nothing is removed meanwhile.",
        "Look at the host whose backups these are. Only when it is explained, on this server as root: xinglin "
        "backup decide",
    ),
    "repository_healing": Explanation(
        "Damage was found; what it touched waits for its copy",
        "{place}: {detail}. What is broken was moved aside, nothing was deleted.",
        "Wait for the next run of the host: the copy comes by itself. Check this server's disk and memory: smartctl -a",
    ),
    "repository_healed": Explanation(
        "Damage was found and healed",
        "{place} had broken files ({detail}). All that they held is back, and the check is clean.",
        "Check this server's disk and memory: a disk that damages data once does it again. smartctl -a; journalctl -k",
    ),
    "repository_renewed": Explanation(
        "The repository could not be opened and was made anew",
        "{place} was missing or destroyed. What was left of it lies in {detail}; its backups come back from the "
        "other repository.",
        "Find out what destroyed it; it may be ransomware. Make a new recovery kit: the old code does not open the "
        "new repository.",
    ),
    "copies_missing": Explanation(
        "Not all backups came back from the other repository",
        "{place} still lacks snapshots that only the other repository has: {detail}.",
        "See whether the other repository is whole; the keeper there names what is broken: xinglin backup repositories",
    ),
    "snapshots_remain": Explanation(
        "Snapshots that should be gone are still there",
        "restic reported success, but {place} still lists them: {detail}.",
        "Check the disk and the owner of the repository's files; then on this server: systemctl start xinglin-keeper",
    ),
    "journal_unreadable": Explanation(
        "The log of the repository server cannot be read",
        "Whether somebody tried to delete backups is not known: {place}: {detail}.",
        "Provision this server again: xinglin provision --tags repository",
    ),
    "deletion_refused": Explanation(
        "Somebody tried to delete backups",
        "With the key of {place}, a deletion was asked for and refused: {detail}. Hosts never delete: this key is "
        "in wrong hands.",
        "Take the host off the network and keep it as it is. Then give it a new key: xinglin provision --tags "
        "backup,repository",
    ),
    "wrong_user": Explanation(
        "This must run as another user",
        "Files made by this user in {place} could not be used by the repository server: {detail}.",
        "Let systemd start it: systemctl start xinglin-keeper, or xinglin-watch",
    ),
}
