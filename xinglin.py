"""The front door: one lazy ``click`` group; each room brings its own sub-commands."""

import sys

import click

from lazy_group import LazyGroup

# Command → ("module:attribute", short help).  Listing the commands imports none of them, and a host
# that runs only the agent never imports Flask or Ansible.
COMMANDS = {
    "agent": ("agent.cli:agent", "Serve this host's metrics and facts; gather facts."),
    "backup": ("backup.cli:backup", "Run, verify and inspect this host's backups."),
    "check": ("inventory.cli:check", "Validate a facility: every mistake with file, line and what is allowed."),
    "compliance": ("compliance.cli:compliance", "Read the MLPS catalogue; judge gathered facts."),
    "console": ("console.cli:console", "Serve the operations console and its worker."),
    "down": ("tests.lab.cli:down", "End every host that `up` started."),
    "drill": ("playbooks.drill.cli:drill", "Rehearse an emergency: the power drill."),
    "init": ("inventory.cli:init", "Describe a new facility, by questions or from a file."),
    "lab": ("tests.lab.cli:lab", "Work with the lab's hosts: exec, kill, start."),
    "power": ("agent.power.cli:power", "Shut the clinic down in order on battery; bring it back; drills."),
    "provision": ("playbooks.cli:provision", "Set a facility's hosts up with the playbooks."),
    "status": ("playbooks.cli:status", "Hosts, agents, backups and open problems in one screen."),
    "test": ("tests.cli:test", "Run lint, types, unit, lab and browser tests."),
    "up": ("tests.lab.cli:up", "Bring the example clinic up on this machine."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
def xinglin() -> None:
    """Set up, watch, back up and prove the IT of a small medical facility."""


def main() -> None:
    """Entry point.  Exit codes: 0 fine, 1 findings, 2 usage, 3 a tool failed."""
    sys.exit(xinglin(prog_name="xinglin", standalone_mode=True))


if __name__ == "__main__":
    main()
