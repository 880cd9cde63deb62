"""`xinglin up`, `xinglin down`, `xinglin lab …`: the example clinic on this machine."""

import os
import shutil
import sys
from pathlib import Path

import click

from tests.lab import lab as labs
from tests.lab import network, prerequisites, tree
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.progress import elapsed, say, step

CHECKOUT = Path(__file__).parents[2]
lab_option = click.option(
    "--lab", "name", default="qinghe", envvar="XINGLIN_LAB", show_default=True, help="Lab's name."
)


def _prepare() -> None:
    """Install what the lab needs; exit 3 with what is missing and what still runs."""
    unmet = prerequisites.unmet()
    for missing in unmet:
        click.echo(str(missing), err=True)
    if unmet:
        sys.exit(3)
    packages = prerequisites.missing_packages(prerequisites.LAB_PROGRAMS)
    if packages:
        with step(f"install Debian packages: {', '.join(packages)}"):
            prerequisites.install(packages)


def _existing(name: str) -> Lab:
    lab = labs.find(name)
    if lab is None:
        raise LabError(f"lab {name}", "there is none on this machine", "./xinglin up")
    return lab


class _Explained(click.Command):
    """A command whose lab errors end it with exit code 3 and one clear sentence."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except LabError as error:
            click.echo(f"xinglin: {error}", err=True)
            sys.exit(3)


@click.command(cls=_Explained)
@lab_option
def up(name: str) -> None:
    """Bring the example clinic up on this machine: hosts, playbooks, first backup and its proof."""
    _prepare()
    from tests.lab import clinic  # noqa: PLC0415 - Ansible's weight only after the checks above

    labs.sweep(say)
    arrival = clinic.bring_up(name)
    _point_to(arrival.lab)
    url = f"https://{next(host.address for host in arrival.lab.hosts if host.has_outside)}:8443/"
    if arrival.changed_nothing:
        click.echo(f"Everything is up already; nothing changed ({elapsed()}).")
    else:
        click.echo(f"The clinic is up ({elapsed()}).")
    click.echo(f"Console:      {url}  (certificate authority: {arrival.lab.facility_directory / 'ca.crt'})")
    secret = clinic.first_login(arrival.lab)
    if secret:
        click.echo(f"First login:  {secret}  (once, within 24 hours; choose your own name and password with it)")
    click.echo("Look at:      the overview, the hosts' charts, the backups with their proofs, the compliance page;")
    click.echo("              ./xinglin status · ./xinglin lab exec his1 -- systemctl status · ./xinglin down")


def _point_to(lab: Lab) -> None:
    """Let `status`, `check` and `provision` find the clinic as ./facility, unless there is another one."""
    link = CHECKOUT / "facility"
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(lab.facility_directory)


@click.command(cls=_Explained)
@lab_option
@click.option("--purge", is_flag=True, help="Delete the hosts' disks, the secrets and the base trees, too.")
def down(name: str, purge: bool) -> None:
    """End every host that `up` started and unmount what it mounted."""
    lab = labs.find(name)
    if lab is not None:
        with step(f"end {', '.join(host.name for host in lab.hosts)}"):
            lab.down()
        if purge:
            lab.purge()
            link = CHECKOUT / "facility"
            if link.is_symlink() and not link.exists():
                link.unlink()
    elif not purge:
        click.echo(f"Lab {name} is not there; nothing to end.")
    if purge and not labs.labs():
        for directory in (labs.STATE, tree.CACHE):
            shutil.rmtree(directory, ignore_errors=True)
        network.restore_forwarding()


@click.group()
def lab() -> None:
    """Work with the lab's hosts."""


@lab.command(cls=_Explained, context_settings={"ignore_unknown_options": True})
@lab_option
@click.argument("host")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec(name: str, host: str, command: tuple[str, ...]) -> None:  # noqa: A001 - the command's name
    """Run COMMAND as root on HOST."""
    argv = _existing(name).host(host).exec_argv(command)
    os.execvp(argv[0], argv)  # noqa: S606 - no shell is wanted


@lab.command(cls=_Explained)
@lab_option
@click.argument("host")
def kill(name: str, host: str) -> None:
    """Cut HOST's power."""
    _existing(name).host(host).kill()
    click.echo(f"{host} lost its power.")


@lab.command(cls=_Explained)
@lab_option
@click.argument("host")
def start(name: str, host: str) -> None:
    """Boot HOST again."""
    machine = _existing(name).host(host)
    if machine.is_on:
        click.echo(f"{host} is on already.")
        return
    with step(f"boot {host}"):
        machine.boot()
