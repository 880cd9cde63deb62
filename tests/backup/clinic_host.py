"""A host under test: its configuration on disk, its two repositories, its sources."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backup.config import policy_file
from backup.config.policy import Config
from backup.night import job
from backup.night.recorder import Now, now_utc
from backup.night.retry import Sleep
from backup.postgres.postgresql import Database
from backup.repositories.restic import Repository
from backup.status import BackupRun, Trigger
from tests.backup.servers import RestServer

REPOSITORY_PASSWORD = "correct horse"


@dataclass(frozen=True)
class ClinicHost:
    """One managed host, as small as a test needs it."""

    root: Path
    local_server: RestServer
    offsite_server: RestServer

    @property
    def config_path(self) -> Path:
        return self.root / "backup.json"

    @property
    def files(self) -> Path:
        return self.root / "files"

    def configure(self, sources: list[dict[str, Any]], **policy: object) -> Config:
        """Write the configuration of one policy ``his`` and load it."""
        for name, text in (
            ("repository.password", REPOSITORY_PASSWORD),
            ("local.pw", self.local_server.http_password),
            ("offsite.pw", self.offsite_server.http_password),
        ):
            secret = self.root / name
            if not secret.exists():
                secret.touch(mode=0o600)
                secret.write_text(text)
        self.files.mkdir(exist_ok=True)
        (self.files / "病历.conf").write_text("方案 = 甲\n" * 100)
        (self.files / "plain.conf").write_text("a = 1\n")
        targets = {
            name: {"url": server.url, "user": "his1", "password_file": str(self.root / f"{name}.pw")}
            for name, server in (("local", self.local_server), ("offsite", self.offsite_server))
        }
        data = {
            "host": "his1",
            "policies": [
                {
                    "name": "his",
                    "hosts": ["his1"],
                    "schedule": "02:00",
                    "sources": sources,
                    "rpo_hours": 24,
                    "rto_hours": 4,
                    "retention": {"keep_within": "90d"},
                }
                | policy
            ],
            "local": targets["local"],
            "offsite": targets["offsite"],
            "repository_password_file": str(self.root / "repository.password"),
            "ca": str(self.local_server.authority.certificate),
            "state_directory": str(self.root / "state"),
            "cache_directory": str(self.root / "cache"),
            "timezone": zone_at_noon(),
        }
        self.config_path.write_text(json.dumps(data))
        return policy_file.load(self.config_path)

    def with_files(self, **policy: object) -> Config:
        """Configure a policy that backs up files only."""
        return self.configure([{"paths": [str(self.files)]}], **policy)

    def with_database(self, source: Database, **policy: object) -> Config:
        """Configure a policy that backs up the database and the files."""
        database = {"database": source.database, "socket_directory": str(source.socket_directory), "port": source.port}
        return self.configure([{"postgresql": database}, {"paths": [str(self.files)]}], **policy)


def zone_at_noon() -> str:
    """Return a time zone where it is past noon, so that no test sees a day end, or a night's time come."""
    east = 12 - datetime.now(UTC).hour
    # POSIX counts what is west of Greenwich.
    return f"Etc/GMT{-east:+d}"


def both(config: Config) -> tuple[Repository, Repository]:
    """Return the local and the offsite repository."""
    return config.repository("local"), config.repository("offsite")


def do_not_wait(seconds: float) -> None:
    """Try again at once."""
    assert seconds > 0


def run(config: Config, trigger: Trigger = Trigger.MANUAL, now: Now = now_utc, sleep: Sleep = do_not_wait) -> BackupRun:
    """Run the policy ``his``."""
    return job.run_policy(config, config.policy("his"), trigger, now=now, sleep=sleep)
