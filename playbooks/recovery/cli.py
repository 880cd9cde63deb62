"""``xinglin backup recovery-kit``, ``recovery-drill`` and ``rebuild``.

Exit codes: 0 fine, 1 a repository did not open or something needs a person, 2 usage, 3 it failed.
"""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import NoReturn, ParamSpec, TextIO

import click

from backup import report
from backup.errors import BackupError
from backup.kit import code, contents, entered, seal
from inventory.loader import Facility, FacilityError, find_facility, load_facility
from playbooks.delivery import RunningAlreadyError
from playbooks.engine import AnsibleError
from playbooks.login import Credential, FirstContactError, Target
from playbooks.recovery import drill, ledger, make, revoke
from playbooks.recovery import rebuild as rebuilding
from playbooks.recovery.remote import RecoveryError
from playbooks.wheelhouse import WheelhouseError

FINDINGS, USAGE, FAILED = 1, 2, 3
FACILITY = click.Path(path_type=Path, file_okay=False)
P = ParamSpec("P")


def _explained(command: Callable[P, int]) -> Callable[P, None]:
    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            sys.exit(command(*args, **kwargs))
        except FacilityError as error:
            _stop(USAGE, "\n".join(str(mistake) for mistake in error.mistakes))
        except BackupError as error:
            _stop(FAILED, report.explained(error.cause))
        except FileExistsError as error:
            _stop(USAGE, f"{error}. Next: name another file with --output.")
        except (RecoveryError, FirstContactError, RunningAlreadyError, AnsibleError, WheelhouseError) as error:
            _stop(FAILED, str(error))

    return wrapped


@click.command("recovery-kit")
@click.argument("directory", metavar="[FACILITY]", type=FACILITY, required=False)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False),
              help="The PDF. Default: KIT-NUMBER.pdf; with --open: opened.txt.")  # fmt: skip
@click.option("--shares", type=click.Choice(["2of3"]), help="Split the code: any two of three pages give it back.")
@click.option("--revoke", "revoked", metavar="NUMBER|KEYID", help="Take an old kit's keys away instead.")
@click.option("--open", "opened", metavar="KIT.TXT", type=click.File(encoding="utf-8"),
              help="Write down what a kit has sealed instead; needs no FACILITY.")  # fmt: skip
@_explained
def recovery_kit(
    directory: Path | None, output: Path | None, shares: str | None, revoked: str | None, opened: TextIO | None
) -> int:
    """Print the recovery kit of a facility: what it takes to rebuild from the vault and a bare machine.

    A facility with backup_copies has them in its kit, with a page of commands. What opens them, RESTIC_PASSWORD and
    each bucket's secret, is sealed with the recovery code. After a loss without a vault:

    \b
    1. Scan the sealed text's QR codes into sealed.txt, or type it, and open it:
         openssl enc -d -aes-256-cbc -pbkdf2 -iter 600000 -md sha256 -a -in sealed.txt
       It asks for the code. The last line is the SHA-256 of the lines before.
       A code in shares: recovery-kit --open KIT.TXT (what all QR codes say).
    2. export RESTIC_PASSWORD; mount the disk, let the partner take a new SSH key,
       or export the bucket's key; set RESTIC_REPOSITORY as the page says.
    3. restic restore latest --no-lock --tag kind=set --target /restore
       gives the facility's directory back: /restore/etc/xinglin/facility
    4. By hand: a bare Debian at the appliance's address, the certificate
       authority put back, `xinglin provision`, then `restic copy` of each host's
       repository to the appliance. Then `xinglin backup restore` as ever.
       The console starts without its old records and audit log.
    """
    if opened:
        return _open(opened, output or Path("opened.txt"))
    facility = load_facility(find_facility(directory))
    if revoked:
        return _revoke(facility, revoked)
    made = make.make(facility, output, shares is not None, _say)
    for note in made.notes:
        _say(f"not told to the appliance: {note}")
    click.echo(f"{made.file}: kit {made.number}, {len(made.entry.keys)} keys, SHA-256 {made.entry.sha256}")
    click.echo(
        "It opens every backup of the facility. Print it, seal it, sign it, keep it outside of the server room, then "
        f"delete the file: shred -u {made.file}\nTry it now: xinglin backup recovery-drill"
    )
    return 0


def _open(kit_file: TextIO, output: Path) -> int:
    """Write what the kit has sealed to ``output`` (0600 from its first byte, never over another file)."""
    text = kit_file.read()
    kit = contents.from_text(text)
    if kit.copies is None:
        raise RecoveryError(f"kit {kit.number}: it names no further copies and has nothing sealed.")
    plain = seal.unseal(kit.copies.sealed, _secret(text))
    output.touch(mode=0o600, exist_ok=False)
    output.write_text(plain, encoding="utf-8")
    click.echo(f"{output}: what opens the copies, as the shell reads it. When all is done: shred -u {output}")
    return 0


def _revoke(facility: Facility, wanted: str) -> int:
    sealed = revoke.find(ledger.read(facility.directory), wanted).sealed
    rest = (
        "Its paper also holds the facility's own password, which this does not take away: destroy the paper."
        if sealed
        else "Its paper then opens nothing any more."
    )
    click.confirm(f"Take the keys of {wanted} away from every repository? {rest}", abort=True)
    entry, results, notes = revoke.revoke(facility, wanted)
    for result in results:
        state = "taken away" if result.why is None else f"STILL THERE: {result.why}"
        click.echo(f"{result.server}: {result.key.host} {result.key.repository} {result.key.key_id[:8]}: {state}")
    for note in notes:
        _say(f"not told to the appliance: {note}")
    whole = all(result.why is None for result in results)
    click.echo(f"kit {entry.number}: {'revoked; destroy its paper' if whole else 'not wholly revoked; run this again'}")
    return 0 if whole else FINDINGS


@click.command("recovery-drill")
@click.argument("directory", metavar="[FACILITY]", type=FACILITY, required=False)
@_explained
def recovery_drill(directory: Path | None) -> int:
    """Open every repository with the code (or two shares) from the envelope, on record."""
    facility = load_facility(find_facility(directory))
    result = drill.drill(facility, _secret("" if sys.stdin.isatty() else sys.stdin.read()))
    for one in result.repositories:
        click.echo(f"{one.host}: {one.place}: {'opens' if one.why is None else f'DOES NOT OPEN: {one.why}'}")
    for note in result.notes:
        _say(f"not told to the appliance: {note}")
    kit = f"kit {result.number}" if result.number else "no kit of this facility's list"
    opened = sum(one.why is None for one in result.repositories)
    click.echo(
        f"{kit}: {opened} of {len(result.repositories)} repositories open. Seal it again and note the date on it."
    )
    return 0 if result.passed else FINDINGS


@click.command()
@click.option("--kit", "kit_file", type=click.File(encoding="utf-8"), required=True,
              help="What the kit's QR codes say (-: stdin); the code or two shares may be in it.")  # fmt: skip
@click.option("--directory", type=FACILITY, required=True, help="Where the facility's directory is to be (new).")
@click.option("--credential-file", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="The bare machine's first login: {HOST: {user, password}}, mode 0600.")  # fmt: skip
@_explained
def rebuild(kit_file: TextIO, directory: Path, credential_file: Path | None) -> int:
    """Bring the facility and its appliance back from the recovery kit, the vault and a bare machine."""
    text = kit_file.read()
    kit = contents.from_text(text)
    click.echo(f"{kit.name_zh} ({kit.name_en}), kit {kit.number} of {kit.made_at:%Y-%m-%d}", err=True)
    source = rebuilding.Source(kit, _secret(text), directory, credential_file, _ask)
    rebuilt = rebuilding.rebuild(source, _say)
    for step in rebuilt.record.steps:
        seconds = (step.finished_at - step.started_at).total_seconds() if step.finished_at else 0
        click.echo(f"{step.started_at:%H:%M:%S}  {step.name:<14} {step.outcome.value:<8} {seconds:6.0f} s")
    for note in rebuilt.notes:
        click.echo(f"look at: {note}")
    click.echo(
        f"The appliance is back; data as of {rebuilt.record.as_of:%Y-%m-%d %H:%M} UTC. The envelope was opened: make a "
        f"new kit with `xinglin backup recovery-kit {directory}`, then take the old one's keys away with "
        f"`xinglin backup recovery-kit {directory} --revoke {kit.number}`."
    )
    return FINDINGS if rebuilt.notes else 0


def _secret(text: str) -> str:
    """Return the code in ``text``, else ask for it, or for two shares."""
    found = entered.find(text)
    while found is None:
        if not sys.stdin.isatty():
            raise RecoveryError("the recovery code, or two of its shares, is needed on stdin or with the kit")
        typed = click.prompt("Recovery code, or a share", err=True)
        if len(typed.split()) == entered.SHARE_WORDS:
            typed += "\n" + click.prompt("Another share", err=True)
        try:
            found = entered.find(typed) or code.read(typed)
        except BackupError as error:
            _say(report.explained(error.cause))
    return found


def _ask(target: Target) -> Credential | None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    user = click.prompt(f"{target.name} ({target.address}) first login: user", default="root", err=True)
    return Credential(user, click.prompt("password", hide_input=True, err=True))


def _say(text: str) -> None:
    click.echo(text, err=True)


def _stop(code: int, text: str) -> NoReturn:
    click.echo(text, err=True)
    sys.exit(code)
