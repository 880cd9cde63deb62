"""Put what was restored where it belongs on the new appliance, with the right owners, while nothing uses it."""

import io
import json
import shutil
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from shlex import quote

from backup.night.backup_set import BackupSet
from backup.status import Outcome, RestoreRecord, run_from_json, to_json
from playbooks.login import Target, received
from playbooks.recovery.fetched import CONSOLE, RESTORED, STAGING, WORK, SealedSet
from playbooks.recovery.remote import RecoveryError, as_root, run

STATE = "/var/lib/xinglin/backup"
FACILITY = "/etc/xinglin/facility"
USER = "xinglin-console"
KINDS = ("runs", "verifications", "restores", "repositories")
OURS = ("/etc/xinglin", "/var/lib/xinglin")


def require_bare(machine: Target) -> None:
    """Raise RecoveryError for a machine that has a console's store and is in no unfinished rebuild."""
    script = f"if [ -e {CONSOLE}/console.db ] && ! [ -d {WORK} ]; then echo used; fi"
    if as_root(machine, script).strip():
        raise RecoveryError(
            f"{machine.name} ({machine.address}) is not bare: it has a console with records of its own. "
            "Next: install Debian on it anew, or, if it is the living appliance, do not rebuild it: xinglin provision"
        )


def facility(machine: Target, directory: Path) -> None:
    """Bring the facility's directory back to ``directory`` (new, 0700), in one step; raises RecoveryError."""
    packed = run(machine, f"sudo -n tar -C {RESTORED}{FACILITY} -cf - .", timeout_seconds=300)
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}-"))
    try:
        _unpack(packed, draft)
        if directory.is_dir():
            directory.rmdir()
        draft.rename(directory)
    except OSError as error:
        raise RecoveryError(f"{directory}: {error.strerror or error}. Next: name a new directory.") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _unpack(packed: bytes, target: Path) -> None:
    """Unpack plain files only, below ``target``, for nobody else to read."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            path = target / member.name
            if content is None or ".." in path.parts:
                continue
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_bytes(content.read())


def authority_and_console(machine: Target, found: BackupSet) -> None:
    """Put the certificate authority, the console's store and its audit log in place; raises RecoveryError.

    The playbooks then find the authority and make no other, and start the console on its old store.
    """
    copies = "\n".join(
        f"install -D -m 600 {RESTORED}{STAGING}/{quote(str(part.filename))} {quote(part.manifest['path'])}"
        for part in found.parts
        if part.kind == "sqlite" and PurePosixPath(part.manifest["path"]).is_relative_to(CONSOLE)
    )
    as_root(
        machine,
        f"""
systemctl stop xinglin-console.service xinglin-worker.service 2>/dev/null || true
install -d -m 755 /etc/xinglin /var/lib/xinglin
rm -rf /etc/xinglin/pki {CONSOLE}/audit {CONSOLE}/console.db*
cp -a {RESTORED}/etc/xinglin/pki /etc/xinglin/
chown -R root:root /etc/xinglin/pki
getent passwd {USER} >/dev/null ||
    useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin {USER}
install -d -m 700 {CONSOLE}
cp -a {RESTORED}{CONSOLE}/audit {CONSOLE}/
{copies}
chown -R {USER}:{USER} {CONSOLE}
""",
    )


def history(machine: Target, found: BackupSet, chosen: SealedSet) -> None:
    """Bring the appliance's own backup records back; what is newer there stays.  Raises RecoveryError.

    The run that made the set was still going on when its record was stored.  That the set is at the vault proves how
    it ended, so its record is closed as such.
    """
    as_root(
        machine,
        f"""
for kind in {" ".join(KINDS)}; do
    [ -d {RESTORED}{STATE}/$kind ] && [ -d {STATE}/$kind ] || continue
    for file in {RESTORED}{STATE}/$kind/*.json; do
        target={STATE}/$kind/$(basename "$file")
        [ -e "$file" ] && ! [ -e "$target" ] || continue
        cp "$file" "$target"
        chown --reference={STATE}/$kind "$target"
        chmod 640 "$target"
    done
done
""",
    )
    name = f"{STATE}/runs/{found.run_id}.json"
    answer = as_root(machine, f"cat {quote(name)} 2>/dev/null || true")
    if not answer.strip():
        return
    made = run_from_json(json.loads(answer))
    if made.outcome is not Outcome.RUNNING:
        return
    steps = tuple(
        replace(step, outcome=Outcome.SUCCESS, finished_at=chosen.time) if step.outcome is Outcome.RUNNING else step
        for step in made.steps
    )
    closed = replace(
        made,
        outcome=Outcome.SUCCESS,
        finished_at=chosen.time,
        steps=steps,
        snapshot_id=chosen.original,
        offsite_snapshot_id=chosen.snapshot_id,
    )
    _write(machine, name, to_json(closed))


def record(machine: Target, restored: RestoreRecord) -> None:
    """Leave the record of the rebuild on the appliance; raises RecoveryError."""
    _write(machine, f"{STATE}/restores/{restored.restore_id}.json", to_json(restored))


def clean_up(machine: Target) -> None:
    """Delete what was fetched: it holds the facility's secrets.  Raises RecoveryError."""
    as_root(machine, f"rm -rf {WORK}")


def left_out(found: BackupSet) -> list[str]:
    """Return the set's paths that are not part of the appliance itself: a person decides where they go."""
    return [path for path in found.paths if not any(PurePosixPath(path).is_relative_to(ours) for ours in OURS)]


def _write(machine: Target, name: str, data: dict[str, object]) -> None:
    new, old, directory = quote(f"{name}.new"), quote(name), quote(str(PurePosixPath(name).parent))
    content = json.dumps(data, ensure_ascii=False, indent=1).encode()
    script = f"umask 027; {received(new, len(content))} && chown --reference={directory} {new} && mv {new} {old}"
    run(machine, f"sudo -n sh -eu -c {quote(script)}", content)
