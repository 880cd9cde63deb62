"""Backups that are not what they claim, stored as an attacker or a bug would store them."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from backup import process
from backup.config.policy import Config
from backup.night import backup_set
from backup.night.backup_set import BackupSet
from backup.postgres import manifest
from backup.repositories import repository
from backup.status import Verdict, Verification


def forge(
    config: Config,
    edit_dump: Callable[[bytes], bytes] = lambda content: content,
    edit: Callable[[BackupSet], BackupSet] = lambda sealed: sealed,
) -> None:
    """Store a newer set made from the newest one: another dump, another manifest, sealed like a real one."""
    local = config.repository("local")
    seal = next(item for item in repository.snapshots(local) if item.tag("kind") == "set")
    staging = config.state_directory / "staging"
    staging.mkdir()
    content = config.state_directory / "content"
    path = staging / backup_set.MANIFEST_NAME
    repository.dump(local, seal.id, str(path), path, 60)
    sealed = backup_set.read(path)
    roles = staging / "his.roles.sql"
    repository.dump(local, seal.id, str(roles), roles, 60)
    part = sealed.parts[0]
    repository.dump(local, str(part.snapshot_id), "/his.dump", content, 60)
    content.write_bytes(edit_dump(content.read_bytes()))
    tags = ["run=forged", "policy=his"]

    def start(stdout: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(["cat", content], stdout=stdout, start_new_session=True)

    with process.producing(start) as producer:
        added = repository.backup_stream(
            local, host="his1", tags=[*tags, "kind=dump"], filename="his.dump", producer=producer
        )
    part = replace(part, snapshot_id=added.snapshot_id, bytes=added.bytes_processed)
    backup_set.write(path, edit(replace(sealed, parts=(part, *sealed.parts[1:]))))
    paths = [staging, *(Path(name) for name in sealed.paths)]
    repository.backup_paths(local, host="his1", tags=[*tags, "kind=set"], paths=paths)


def edit_manifest(**changes: object) -> Callable[[BackupSet], BackupSet]:
    """Return an edit of the set's one database manifest."""

    def edit(sealed: BackupSet) -> BackupSet:
        part = sealed.parts[0]
        changed = replace(manifest.from_json(part.manifest), **changes)  # type: ignore[arg-type]
        return replace(sealed, parts=(replace(part, manifest=changed.to_json()), *sealed.parts[1:]))

    return edit


def failure(proof: Verification) -> tuple[str, str, str]:
    assert proof.verdict is Verdict.FAILED
    assert proof.rto_seconds is None
    assert proof.cause is not None
    return proof.cause.code, proof.cause.place, proof.cause.detail
