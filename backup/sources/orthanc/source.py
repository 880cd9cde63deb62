"""The Orthanc source: its index copied first, then its storage directory in the sealing snapshot.

Orthanc writes an attachment once and never changes it.  What arrives after the index was copied is in the storage
without being named, which does no harm; what the index names is there, unless it was deleted since.
"""

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from backup import process
from backup.config.reader import Reader, a_path
from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.postgres.scratch import require_space
from backup.repositories import repository
from backup.repositories.classify import read_complaint
from backup.repositories.restic import LONG_SECONDS, Said, demand, environment
from backup.sources.orthanc import index
from backup.sources.orthanc.index import Attachment
from backup.sources.work import Stored, Work
from backup.status import Cause
from backup.verification.findings import Findings

SAMPLE_FILES = 200
SAMPLE_BYTES = 512 * 1024 * 1024
"""The most that the sampled files may have together."""
OWN_FILES = ("index", "index-wal", "index-shm", "index-journal")


@dataclass(frozen=True)
class OrthancSource:
    """One Orthanc on this host: its SQLite index and its storage directory."""

    index: Path
    storage: Path
    kind: ClassVar[str] = "orthanc"

    @classmethod
    def read(cls, reader: Reader, data: Mapping[str, Any], where: str) -> Self | None:
        """Read ``{"orthanc": {"index": …, "storage": …}}``."""
        here = f"{where}.{cls.kind}"
        inner = reader.mapping(data[cls.kind], here, {"index", "storage"}, set())
        if reader.mapping(data, where, {cls.kind}, set()) is None or inner is None:
            return None
        return cls(
            index=reader.value(inner, "index", here, a_path, "the absolute path of Orthanc's index file"),
            storage=reader.value(inner, "storage", here, a_path, "the absolute path of Orthanc's storage directory"),
        )

    @property
    def name(self) -> str:
        """The storage directory, as a file name."""
        return "orthanc-" + str(self.storage).strip("/").replace("/", "-")

    @property
    def place(self) -> str:
        """What people read."""
        return f"Orthanc ({self.storage})"

    def require(self) -> None:
        """See that both are there; raises BackupError ``source_missing``."""
        if not self.index.is_file():
            raise BackupError("source_missing", str(self.index), "the backup policy names it")
        if not self.storage.is_dir():
            raise BackupError("source_missing", str(self.storage), "the backup policy names it")

    def capture(self, work: Work) -> Part:
        """Copy the index to the staging directory and name the storage directory."""
        target = work.staging / f"{self.name}.index"
        index.copy_index(self.index, target, work.staging)
        manifest = index.describe(target)
        # The live index is of another moment, and no use without its log.
        work.add_paths([self.storage], [str(self.storage / name) for name in OWN_FILES])
        work.notes.numbers |= {"attachments": manifest["attachments"], "studies": manifest["studies"]}
        manifest |= {"storage": str(self.storage), "index": str(self.index)}
        return Part(self.kind, self.name, None, target.name, target.stat().st_size, manifest)

    def prove(self, part: Part, stored: Stored, findings: Findings) -> None:
        """Compare the index with the manifest, every attachment's size with the index, and a sample by its MD5."""
        if not {"storage", "index"} <= part.manifest.keys():
            raise BackupError("manifest_missing", part.name, "it does not say where Orthanc's files are")
        with findings.phase("fetch"):
            copy = stored.staged(f"{part.name}.index")
        with findings.phase("compare"):
            _prove_index(part, copy, findings)
            named = index.attachments(copy)
            _prove_all_there(part, stored, named, findings)
        with findings.phase("files"):
            _prove_sample(part, stored, named, findings)


def _place(part: Part) -> str:
    return f"Orthanc ({part.manifest['storage']})"


def _prove_index(part: Part, copy: Path, findings: Findings) -> None:
    try:
        got = index.describe(copy)
    except BackupError as error:
        raise BackupError("dump_damaged", _place(part), error.cause.detail) from error
    expected = {name: part.manifest.get(name) for name in got}
    differing = ", ".join(f"{name}: {expected[name]} became {got[name]}" for name in got if got[name] != expected[name])
    findings.require(
        f"{part.name}: index",
        not differing,
        f"{expected['studies']} studies, {expected['attachments']} attachments, {expected['bytes']} bytes",
        f"{got['studies']} studies, {got['attachments']} attachments, {got['bytes']} bytes",
        Cause("manifest_mismatch", _place(part), differing),
    )


def _prove_all_there(part: Part, stored: Stored, named: Mapping[str, Attachment], findings: Findings) -> None:
    sizes = _sizes(stored, Path(part.manifest["storage"]))
    missing = {path for path in named if path not in sizes}
    deleted = _deleted_since(missing, Path(part.manifest["index"]), stored.place)
    wrong = sorted(missing - deleted)
    wrong += sorted(path for path, item in named.items() if path in sizes and sizes[path] != item.size)
    good = len(named) - len(wrong) - len(deleted)
    detail = f"{len(wrong)} attachments missing or of another size: {', '.join(wrong[:3])}"
    findings.require(
        f"{part.name}: attachments",
        not wrong,
        f"{len(named)} attachments, each in the snapshot with its size",
        f"{good} so, {len(deleted)} deleted in Orthanc meanwhile, {len(wrong)} not so",
        Cause("manifest_mismatch", _place(part), detail),
    )


def _sizes(stored: Stored, storage: Path) -> dict[str, int]:
    """Return the sizes of all files below ``storage`` in the sealing snapshot, by their path below it."""
    start, sizes, said = f"{storage}/", dict[str, int](), Said()

    def take(origin: process.Source, line: str) -> None:
        if origin is process.Source.STDERR:
            complaint = read_complaint(line)
            said.complaints.extend([complaint] if complaint else [])
        elif line.startswith("{"):
            node = json.loads(line)
            if node.get("type") == "file" and node["path"].startswith(start):
                sizes[node["path"].removeprefix(start)] = int(node.get("size", 0))

    # Not restic.run: it would keep every node of a storage that may have millions.
    command = ["restic", "--json", "ls", "--no-lock", "--recursive", stored.snapshot.id, str(storage)]
    said.returncode = process.run(command, environment(stored.repository), on_line=take, timeout_seconds=LONG_SECONDS)
    demand(said, stored.repository)
    return sizes


def _deleted_since(missing: set[str], live: Path, scratch: Path) -> set[str]:
    """Return which of ``missing`` the live index does not name any more: somebody deleted those in Orthanc."""
    if not missing or not live.is_file():
        return set()
    now = scratch / "live.index"
    try:
        index.copy_index(live, now, scratch)
        return missing - index.attachments(now).keys()
    finally:
        now.unlink(missing_ok=True)


def _prove_sample(part: Part, stored: Stored, named: Mapping[str, Attachment], findings: Findings) -> None:
    """Restore some attachments and compare their MD5 with the index's."""
    chosen: list[Attachment] = []
    # Another sample each time; it decides nothing secret.
    for item in random.Random().sample(sorted(named.values(), key=lambda item: item.uuid), len(named)):  # noqa: S311
        if len(chosen) < SAMPLE_FILES and item.md5 and sum(each.size for each in chosen) + item.size <= SAMPLE_BYTES:
            chosen.append(item)
    if not chosen:
        return
    require_space(stored.place, sum(item.size for item in chosen))
    storage, target = Path(part.manifest["storage"]), stored.place / "attachments"
    target.mkdir(mode=0o700)
    repository.restore(stored.repository, stored.snapshot.id, [str(storage / item.path) for item in chosen], target)
    found = {item: target / str(storage).lstrip("/") / item.path for item in chosen}
    wrong = [item.uuid for item, path in found.items() if path.exists() and md5(path) != item.md5]
    findings.bytes_restored += sum(item.size for item in chosen)
    findings.require(
        f"{part.name}: sample of attachments",
        not wrong,
        f"{len(chosen)} attachments with the MD5 that Orthanc knows",
        f"{len(wrong)} differ",
        Cause("manifest_mismatch", _place(part), f"other content: {', '.join(wrong[:3])}"),
    )


def md5(path: Path) -> str:
    """Return a file's MD5, as Orthanc writes it."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
