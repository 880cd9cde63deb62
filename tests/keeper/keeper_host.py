"""A host with its two repositories, and the keepers of both servers beside them."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backup.keeper import config, keep
from backup.keeper.config import KeeperConfig
from backup.repositories.restic import Repository, environment
from backup.status import RepositoryState
from tests.backup.clinic_host import REPOSITORY_PASSWORD, ClinicHost, zone_at_noon


@dataclass(frozen=True)
class Keepers:
    """Configures the keeper of either server."""

    host: ClinicHost

    def path(self, kind: str) -> Path:
        """Return the repository's directory."""
        server = self.host.local_server if kind == "local" else self.host.offsite_server
        return server.data / "his1"

    def configure(self, kind: str, **changes: Any) -> KeeperConfig:  # noqa: ANN401
        """Write keeper.json of the appliance (``local``) or the vault (``offsite``) and load it."""
        root = self.host.root
        other = self.host.offsite_server
        for name, text in (("repository.password", REPOSITORY_PASSWORD), ("offsite.pw", other.http_password)):
            (root / name).write_text(text)
        state = root / f"state-{kind}"
        (state / "repositories").mkdir(parents=True, exist_ok=True)
        data = {
            "server": "console1" if kind == "local" else "vault1",
            "kind": kind,
            "directory": str(self.path(kind).parent),
            "hosts": {
                "his1": {
                    "policies": {"his": {"keep_within": "90d"}},
                    "other": {"url": other.url, "user": "his1", "password_file": str(root / "offsite.pw")}
                    if kind == "local"
                    else None,
                }
            },
            "password_file": str(root / "repository.password"),
            "ca": str(self.host.local_server.authority.certificate),
            "state_directory": str(state),
            "cache_directory": str(root / f"keeper-cache-{kind}"),
            "ballast_bytes": 0,
            "timezone": zone_at_noon(),
        } | changes
        self.config_path(kind).write_text(json.dumps(data))
        return config.load(self.config_path(kind))

    def config_path(self, kind: str) -> Path:
        return self.host.root / f"keeper-{kind}.json"

    def keep(self, kind: str, **changes: Any) -> RepositoryState:  # noqa: ANN401
        """Keep the one repository."""
        (state,) = keep.keep_all(self.configure(kind, **changes))
        return state


def flip(path: Path, position: int = -50) -> None:
    """Flip the bits of one byte."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.chmod(0o600)
    path.write_bytes(content)


def packs(repository: Path) -> list[Path]:
    """Return the pack files, the largest first."""
    return sorted((path for path in (repository / "data").glob("*/*")), key=lambda path: -path.stat().st_size)


def locks_in(repository: Path) -> list[Path]:
    """Return the locks; while one is being written it has another name, and is none yet."""
    return [path for path in (repository / "locks").iterdir() if len(path.name) == 64]


def check_all(repository: Repository) -> str:
    """Return the words of plain ``restic check --read-data``; raises CalledProcessError when it finds anything."""
    command = ["restic", "check", "--read-data", "--no-cache"]
    done = subprocess.run(
        command, env=environment(repository) | {"PATH": os.environ["PATH"]}, check=True, capture_output=True, text=True
    )
    return done.stdout


def outcomes(state: RepositoryState) -> dict[str, str]:
    """Return how each step ended."""
    return {step.name: step.outcome.value for step in state.steps}
