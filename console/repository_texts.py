"""What each problem of repositories, their space and the proof of restores says to people; see ``console.texts``.

``{object}`` is the host whose backups are meant, ``{host}`` the repository's server or the host itself.
"""

from console.explanation import explanation

REPOSITORIES = {
    "repository_failed": explanation(
        "The upkeep of the repository of {object} failed",
        "On {host}, the round at {started} ended without giving a cause. Whether the repository of {object} is whole "
        "is not known.",
        "On {host}: journalctl -u xinglin-keeper -n 50; then run: systemctl start xinglin-keeper",
    ),
    "repository_broken": explanation(
        "The repository of {object} on {host} is damaged",
        "{count} pack files are damaged and not healed yet ({packs}). Snapshots that need them cannot be restored from "
        "{host}; the other repository is not affected.",
        "Do not delete anything. Check the disk of {host} (smartctl -a), then let the keeper heal it from the other "
        "repository. On {host}: systemctl start xinglin-keeper",
    ),
    "repository_waiting": explanation(
        "Snapshots of {object} on {host} wait for their copy",
        "{count} snapshots of {object} were set aside on {host} because of damaged data. Nothing was deleted; they "
        "come back from the other repository.",
        "Wait for the next night: the copy comes by itself. If it stays, see whether the other repository can be "
        "reached: xinglin backup status",
    ),
    "repository_healed": explanation(
        "Damage in the repository of {object} was healed",
        "The round at {started} on {host} found damaged data and replaced it from the other repository. Nothing is "
        "lost, but a disk that damages data once does it again.",
        "Check the disk and the memory of {host}: smartctl -a; journalctl -k -n 200",
    ),
    "retention_paused": explanation(
        "{object}: {anomaly}; old backups are being kept",
        "On {host}, snapshots of {object} do not look like those of other nights ({anomaly}; {count} in all, since "
        "{since}). It may be ransomware. No old backup is removed from this repository until a person has decided.",
        "Find out what changed on {object} that night. Only if it is explained, on {host} as root: "
        "xinglin backup decide --host {object} --reason TEXT",
    ),
    "read_overdue": explanation(
        "Not all data of {object} on {host} was read back for 28 days",
        "All data was last read by {read_through}. Damage on the disk of {host} that came later may not be known yet.",
        "On {host}: systemctl status xinglin-keeper.timer; journalctl -u xinglin-keeper -n 50",
    ),
    "keeper_silent": explanation(
        "The repository of {object} on {host} was not kept last night",
        "The last round of checks ended at {finished}. Since then nobody has looked whether the repository is whole, "
        "and old backups are not removed.",
        "On {host}: systemctl status xinglin-keeper.timer; systemctl start xinglin-keeper",
    ),
    "keeper_never": explanation(
        "The repository of {object} on {host} has never been checked there",
        "Backups of {object} exist, but no round of checks on {host} has reported. Damage would not be noticed.",
        "On {host}: systemctl status xinglin-keeper.timer; or provision it again: xinglin provision --limit {host}",
    ),
    "deletion_refused": explanation(
        "Somebody tried to delete backups of {object}",
        "On {host}, {count} deletions with the key of {object} were refused, the last one at {last} from {address}. "
        "Nothing was lost. Somebody else has this key: treat {object} as broken into.",
        "Take {object} off the network and keep it as it is. Tell the security officer. Then give it a new key: "
        "xinglin provision --tags backup,repository",
    ),
    "not_append_only": explanation(
        "The repository of {object} can be deleted by its own key",
        "{place} accepted a deletion ({detail}). Who breaks into {object} could destroy its backups, too.",
        "Check how rest-server is started (it needs --append-only), then provision the server: "
        "xinglin provision --tags repository",
    ),
    "vault_behind": explanation(
        "The offsite vault lacks the newest backups of {object}",
        "The newest backup of {object} at the vault is from {newest}, here there is one from {local}. The loss of the "
        "whole site would cost what lies between.",
        "Check the line to the vault and its space. The next run copies everything that is missing: xinglin backup run",
    ),
}

COPIES = {
    "copy_failed": explanation(
        "The copy {copy} of the backups of {object} failed",
        "On {host}, the round at {started} ended without giving a cause. What the copy {copy} holds may be old.",
        "On {host}: journalctl -u xinglin-copies -n 50; then run: systemctl start xinglin-copies",
    ),
    "copy_silent": explanation(
        "The copy {copy} of the backups of {object} was not brought up to date",
        "The last round ended at {finished}. What the copy {copy} holds grows old.",
        "On {host}: systemctl status xinglin-copies; systemctl start xinglin-copies",
    ),
}

SPACE = {
    "watch_silent": explanation(
        "Nobody watches the repository space of {host}",
        "The last measurement is from {last}. Refused deletions and a full disk would not be noticed.",
        "On {host}: systemctl status xinglin-watch.timer; systemctl start xinglin-watch",
    ),
    "repository_filling": explanation(
        "The repositories on {host} will be full in {days} days",
        "{free} of {total} are free and {growth} are added every day. When the disk is full, no backup can be stored.",
        "Enlarge the disk of {host} ({object}) or shorten the retention in the facility; then: "
        "xinglin provision --tags backup,repository",
    ),
    "ballast_released": explanation(
        "The reserve of the repository disk of {host} was given up",
        "The disk was full at {released}; the reserve was freed so that backups and upkeep can go on. {free} are left.",
        "Add space on {host} ({object}) today. The reserve comes back by itself when there is room.",
    ),
}

WAL = {
    "wal_behind": explanation(
        "The changes of the databases on {object} have not been stored for more than an hour",
        "They were last stored at {at}; the databases can be brought back to any point in time until {until}. What "
        "came later exists only on {host}.",
        "On {host}: systemctl status xinglin-wal.timer; journalctl -u xinglin-wal -n 50; then run: xinglin backup wal",
    ),
    "wal_failed": explanation(
        "The changes of the databases on {object} are not stored",
        "Storing them at {at} failed without giving a cause. The databases can be brought back to any point in time "
        "until {until}; what came later exists only on {host}.",
        "On {host}: journalctl -u xinglin-wal -n 50; then run: xinglin backup wal",
    ),
}

PROOFS = {
    "rpo_missed": explanation(
        "The restored data of {object} is older than allowed",
        "The data of the last restore test was {rpo_hours} h old; the target is {target_hours} h. More work would be "
        "lost than the facility has accepted.",
        "Look when the runs start and how long they take; let them run more often, or correct rpo_hours in the "
        "facility.",
    ),
    "restore_slower_soon": explanation(
        "Restoring {object} will soon take longer than allowed",
        "At today's growth a restore takes longer than {target_hours} h from {crosses} on (now: {rto_hours} h).",
        "Plan faster disks or move old data to an archive before then; or correct rto_hours in the facility.",
    ),
    "recovery_key_failed": explanation(
        "The recovery key does not open the repository of {host}",
        "In the drill at {at}, the sealed recovery key did not open the {repository} of {host} ({detail}). If the "
        "facility were lost, this backup could not be opened.",
        "Compare the code with the envelope. If it is right, make a new kit at once: xinglin backup recovery-kit",
    ),
    "recovery_key_overdue": explanation(
        "The recovery key has not been tried for long",
        "The sealed recovery key last opened the repositories at {last}. Whether it would today is not known.",
        "Two people open the envelope and run on {host}: xinglin backup recovery-drill. Then seal it again with a new "
        "number.",
    ),
}

# Codes of backup.rules.guard: what is odd about a snapshot.
ANOMALIES = {
    "sudden_growth": "sudden growth",
    "mass_change": "very many files changed",
    "mass_deletion": "very many files deleted",
    "incompressible": "files as random as encrypted ones",
    "changed_types": "other file types than before",
    "small_dump": "a dump much smaller than before",
    "odd_time": "a snapshot with an odd time",
    "many_snapshots": "unusually many snapshots",
}
# These are what ransomware does.
ALARMING = frozenset({"mass_change", "mass_deletion", "incompressible", "changed_types"})

# Kinds that are about a repository on a server; the others of REPOSITORIES are about one policy.
REPOSITORY_KINDS = frozenset({*REPOSITORIES, *COPIES, "repository_warning", "copy_warning"}) - {
    "not_append_only",
    "vault_behind",
}
WAL_KINDS = frozenset({*WAL, "wal_warning"})
REPOSITORY_PROBLEMS = {**REPOSITORIES, **COPIES, **SPACE, **WAL, **PROOFS}
