"""Plain restic on the bare appliance, over SSH: it has the address that the vault's firewall lets in.

Every script goes in by stdin, so neither the recovery code nor the HTTP password is on a command line.
"""

import json
import tempfile
import urllib.parse
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from shlex import quote

from backup.kit.contents import Kit
from backup.night import backup_set
from backup.night.backup_set import BackupSet
from backup.status import parse_time
from playbooks.login import Target
from playbooks.recovery import proof
from playbooks.recovery.remote import RecoveryError, as_root, run

WORK = "/var/lib/xinglin-rebuild"
RESTORED = f"{WORK}/set"
CONSOLE = "/var/lib/xinglin/console"
STAGING = "/var/lib/xinglin/backup/staging"
LONG_SECONDS = 12 * 3600.0
INSTALL_SECONDS = 900.0


@dataclass(frozen=True)
class SealedSet:
    """A sealed set of the appliance at the vault; ``original`` is the id that it had in the lost local repository."""

    snapshot_id: str
    original: str
    policy: str
    time: datetime


@dataclass(frozen=True)
class Vault:
    """The appliance's repository at the vault, as the bare machine reaches it with the kit's code."""

    machine: Target
    kit: Kit
    code: str = field(repr=False)

    def prepare(self) -> None:
        """Install restic where it is missing, and see that the vault answers; raises RecoveryError."""
        server, port = quote(self.kit.server.address), self.kit.server_port
        as_root(
            self.machine,
            f"""
install -d -m 700 {WORK} {WORK}/cache
cat >{WORK}/ca.crt <<'END'
{self.kit.ca.strip()}
END
if ! command -v restic >/dev/null; then
    apt-get -qq update </dev/null
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends restic </dev/null >/dev/null
fi
python3 -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 10).close()' \\
    {server} {port} </dev/null 2>/dev/null ||
    {{ echo "the vault {server}:{port} does not answer this machine" >&2; exit 1; }}
""",
            INSTALL_SECONDS,
        )

    def sets(self) -> list[SealedSet]:
        """Return the sealed sets with the console's audit log, newest first; raises RecoveryError for none."""
        answer = self._restic("snapshots --json --tag kind=set")
        found = [
            SealedSet(
                item["id"],
                item.get("original") or item["id"],
                next((tag.removeprefix("policy=") for tag in item.get("tags") or () if tag.startswith("policy=")), ""),
                parse_time(item["time"]),
            )
            for item in json.loads(answer) or ()
            if f"{CONSOLE}/audit" in item["paths"]
        ]
        if not found:
            raise RecoveryError(f"{self.kit.server.name}: it holds no backup of {self.kit.appliance.name}.")
        return sorted(found, key=lambda item: item.time, reverse=True)

    def restore(self, chosen: SealedSet) -> BackupSet:
        """Restore a set below ``RESTORED`` and compare it with its manifest; raises RecoveryError when it differs."""
        as_root(self.machine, f"rm -rf {RESTORED}; install -d -m 700 {RESTORED}")
        self._restic(f"restore {quote(chosen.snapshot_id)} --target {RESTORED} >/dev/null", LONG_SECONDS)
        manifest = as_root(self.machine, f"cat {RESTORED}{STAGING}/{backup_set.MANIFEST_NAME}")
        with tempfile.TemporaryDirectory(prefix="xinglin-manifest-") as directory:
            file = Path(directory) / backup_set.MANIFEST_NAME
            file.write_bytes(manifest)
            try:
                found = backup_set.read(file)
            except ValueError as error:
                raise RecoveryError(f"set {chosen.snapshot_id[:8]}: {error}") from None
        self._prove(chosen, found)
        return found

    def _prove(self, chosen: SealedSet, found: BackupSet) -> None:
        sampled = [item for part in found.parts if part.kind == "paths" for item in part.manifest["sample"]]
        asked = {
            "files": [[item["path"], item["mtime_ns"], item["sha256"]] for item in sampled],
            "databases": [
                [f"{STAGING}/{part.filename}", part.manifest["tables"]] for part in found.parts if part.kind == "sqlite"
            ],
        }
        script = Path(proof.__file__).read_text(encoding="utf-8")
        command = f"sudo -n python3 -c {quote(script)} {RESTORED}"
        differing = json.loads(run(self.machine, command, json.dumps(asked).encode(), LONG_SECONDS))
        if differing:
            raise RecoveryError(f"set {chosen.snapshot_id[:8]} is not what was backed up: {'; '.join(differing[:5])}")

    def _restic(self, command: str, timeout_seconds: float = INSTALL_SECONDS) -> bytes:
        own = self.kit.repository(self.kit.appliance.name)
        login = f"{urllib.parse.quote(own.user, '')}:{urllib.parse.quote(own.http_password, '')}"
        # Debian 12's restic 0.14 takes the login in the URL only.
        url = own.url.replace("://", f"://{login}@", 1)
        environment = {
            "RESTIC_REPOSITORY": url,
            "RESTIC_PASSWORD": self.code,
            "RESTIC_CACERT": f"{WORK}/ca.crt",
            "RESTIC_CACHE_DIR": f"{WORK}/cache",
            "RESTIC_PROGRESS_FPS": "0.1",
        }
        exports = "\n".join(f"export {name}={quote(value)}" for name, value in environment.items())
        return as_root(self.machine, f"{exports}\nrestic --no-lock {command} </dev/null\n", timeout_seconds)
