"""``xinglin backup``: a lazy group; each part of the room brings its own commands."""

import click

from lazy_group import LazyGroup

COMMANDS = {
    "copies": ("backup.keeper.cli:copies", "Bring the further copies up to date: disks, SFTP, S3."),
    "decide": ("backup.keeper.cli:decide", "Let retention go on after a person looked at what is odd."),
    "heal": ("backup.cli.run:heal", "Close the records of runs that died (power cut, kill)."),
    "init": ("backup.cli.init:init", "Create the repositories that do not exist yet."),
    "keep": ("backup.keeper.cli:keep", "Check, heal and thin out the repositories on this server."),
    "key": ("backup.kit.cli:key", "Add, try, list and take away the keys of repositories."),
    "rebuild": ("playbooks.recovery.cli:rebuild", "Bring the appliance back from the kit, the vault, a bare machine."),
    "recovery-drill": ("playbooks.recovery.cli:recovery_drill", "Open every repository with the sealed code."),
    "recovery-kit": ("playbooks.recovery.cli:recovery_kit", "Print what a rebuild needs, with a second key."),
    "repositories": ("backup.keeper.cli:repositories", "Tell how each repository on this server stands."),
    "restore": (
        "backup.restore.cli:restore",
        "Restore a database, files or everything, beside what lives or in place.",
    ),
    "run": ("backup.cli.run:run", "Back up now: dump, store, check, copy offsite."),
    "status": ("backup.cli.status:status", "Tell how each policy stands."),
    "watch": ("backup.keeper.cli:watch", "Watch this server's space and refused deletions."),
    "wal": ("backup.point_in_time.cli:wal", "Store PostgreSQL's archived log, for any point in time."),
    "verify": ("backup.cli.verify:verify", "Restore the newest backup and compare it with its manifest."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def backup() -> None:
    """Run, verify, restore and inspect backups."""
