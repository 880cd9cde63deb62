"""What each cause code means to people: title, meaning for the clinic, next step.

The English texts are message ids; ``locale/zh_CN/LC_MESSAGES/backup.po`` translates every one.  The meaning
and the next step may hold ``{place}`` and ``{detail}``.  Standard library only.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backup.status import Cause

DOMAIN = "backup"
LOCALE_DIRECTORY = Path(__file__).parent / "locale"


@dataclass(frozen=True)
class Explanation:
    """The texts of one cause code: English message ids, or the same filled in and translated."""

    title: str
    meaning: str
    next_step: str


CAUSES: dict[str, Explanation] = {
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
    "clock_wrong": Explanation(
        "Two clocks do not agree",
        "The clocks of this host and of {place} are {detail} apart. Times of backups, retention and certificates "
        "depend on them.",
        "Find out which clock is wrong, correct the time synchronisation there (chronyc tracking), then run: "
        "xinglin backup run",
    ),
    "not_append_only": Explanation(
        "The repository does not refuse deletion",
        "{place} would let this host's key delete backups ({detail}). Ransomware on this host could destroy them.",
        "Start the repository server with --append-only at once: xinglin provision --tags repository. "
        "Then look for missing snapshots.",
    ),
    "anomaly_found": Explanation(
        "This backup does not look like the ones before",
        "{place}: {detail}. This may be ransomware, a deletion by mistake, or a change that you know about.",
        "Look at the host before anything else. If the change is known, record the decision on the repository's "
        "server: xinglin backup decide",
    ),
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
    "configuration_wrong": Explanation(
        "The backup configuration is wrong",
        "{place}: {detail}",
        "Correct the facility's backup policy, check it with: xinglin check, then provision the host again.",
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
    "recovery_code_mistyped": Explanation(
        "The recovery code is not as printed",
        "{place}: {detail}. Nothing was tried with it.",
        "Compare it with the paper group by group and type it again.",
    ),
    "shares_differ": Explanation(
        "The shares give no recovery code",
        "{place}: {detail}",
        "Take two different shares of the same kit; its number is on every page.",
    ),
    "kit_unreadable": Explanation(
        "The recovery kit cannot be read",
        "{place}: {detail}",
        "Scan or type the lines that begin with XINGLIN1/ again; each stands in a QR code and below it.",
    ),
    "key_not_of_a_kit": Explanation(
        "The key belongs to no recovery kit",
        "{place}: {detail}. It was not removed: without the facility's own key nothing could be backed up or restored.",
        "Look at the repository's keys: xinglin backup key list",
    ),
    "font_missing": Explanation(
        "There is no Chinese font to print with",
        "{place} has {detail}, so the recovery kit cannot be printed.",
        "Run: apt-get install fonts-wqy-microhei",
    ),
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
    "unknown": Explanation(
        "The backup failed for a reason this program does not know",
        "{place}: {detail}",
        "Read the log of the unit xinglin-backup (journalctl -u xinglin-backup) and report the text above.",
    ),
}


def _same(text: str) -> str:
    return text


def explain(cause: Cause, translate: Callable[[str], str] = _same) -> Explanation:
    """Return the texts of ``cause``, translated (``gettext`` of the domain ``backup``) and filled in.

    A code that this version does not know is explained as ``unknown``.
    """
    texts = CAUSES.get(cause.code, CAUSES["unknown"])
    values = {"{place}": cause.place, "{detail}": cause.detail}
    return Explanation(
        *(
            re.sub(r"\{place\}|\{detail\}", lambda found: values[found[0]], translate(text))
            for text in (texts.title, texts.meaning, texts.next_step)
        )
    )
