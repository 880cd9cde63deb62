"""The source for a Windows share: one tar stream, a listing with the SHA-256 of every file, nothing mounted."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar, Self

from backup.config.reader import Reader, a_path
from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.night.recorder import now_utc
from backup.process import ProducerFailedError, ending_with_us, producing
from backup.repositories.restic import LONG_SECONDS, demand, run
from backup.sources.smb.tar import Entry, TarBrokenError, entries, nowhere
from backup.sources.work import Stored, Work
from backup.status import Cause
from backup.verification.findings import Findings

PORT = 445
SHOWN = 3
KEPT_UNREAD = 100


@dataclass(frozen=True)
class SmbSource:
    """A share ``//HOST/NAME``; ``credentials_file`` has smbclient's form (username=, password=, domain=)."""

    share: str
    credentials_file: Path
    port: int = PORT
    kind: ClassVar[str] = "smb"

    @classmethod
    def read(cls, reader: Reader, data: Mapping[str, Any], where: str) -> Self | None:
        """Read ``{"smb": {"share": …, "credentials_file": …}}``."""
        here = f"{where}.{cls.kind}"
        inner = reader.mapping(data[cls.kind], here, {"share", "credentials_file"}, {"port"})
        if reader.mapping(data, where, {cls.kind}, set()) is None or inner is None:
            return None
        return cls(
            share=reader.value(inner, "share", here, _share, "//HOST/NAME"),
            credentials_file=reader.value(inner, "credentials_file", here, a_path, "an absolute path"),
            port=reader.value({"port": PORT} | dict(inner), "port", here, int, "a port number"),
        )

    @property
    def name(self) -> str:
        """Host and share, as a file name."""
        return "smb-" + self.share.strip("/").replace("/", "-")

    @property
    def place(self) -> str:
        """What people read."""
        return f"share {self.share}"

    def require(self) -> None:
        """See that smbclient and the credentials are there; the share's own answer comes with its capture."""
        if not shutil.which("smbclient"):
            raise BackupError("tool_missing", "smbclient", "the program is not installed")
        if not self.credentials_file.is_file():
            raise BackupError("source_missing", str(self.credentials_file), "the credentials of the share")

    def capture(self, work: Work) -> Part:
        """Stream it; what could not be read is a warning, an empty share or a broken stream a failure."""
        filename, began = f"{self.name}.tar", now_utc()
        listing = work.staging / f"{self.name}.files.jsonl"
        with tempfile.TemporaryDirectory(dir=work.staging.parent) as private:
            report = Path(private, "report.json")
            try:
                with producing(lambda stdout: _start(self, listing, report, stdout)) as producer:
                    added = work.stream(filename, producer)
            except ProducerFailedError as error:
                code, detail = _why(report, error.returncode)
                raise BackupError(code, self.place, detail) from error
            unread = [f"{item['path']}: {item['why']}" for item in json.loads(report.read_text())["unread"]]
        manifest = _describe(listing) | {"share": self.share, "unread": unread[:KEPT_UNREAD]}
        if not manifest["files"]:
            raise BackupError("share_empty", self.place, f"{len(unread)} entries could not be read")
        if unread:
            more = f" and {len(unread) - SHOWN} more" if len(unread) > SHOWN else ""
            work.notes.warning = Cause("source_unreadable", self.place, "; ".join(unread[:SHOWN])[:300] + more)
        work.notes.numbers |= {"files": manifest["files"], "unreadable": len(unread)}
        work.data_is_from(began)
        return Part(self.kind, self.name, added.snapshot_id, filename, added.bytes_processed, manifest)

    def prove(self, part: Part, stored: Stored, findings: Findings) -> None:
        """Read the whole archive back as a stream, and compare every file with the listing."""
        with findings.phase("fetch"):
            listing = stored.staged(f"{part.name}.files.jsonl")
            got = _describe(listing)
        expected = {key: part.manifest.get(key) for key in got}
        differing = Cause("manifest_mismatch", f"share {part.manifest.get('share')}", f"the listing is {got}")
        findings.require(f"{part.name}: listing", got == expected, str(expected), str(got), differing)
        with findings.phase("read"):
            restored = stored.place / "restored.files.jsonl"
            broken = _list_archive(part, stored, restored)
            damaged = Cause("dump_damaged", f"share {part.manifest['share']}", broken)
            findings.require(f"{part.name}: archive", not broken, "a whole archive", broken or "whole", damaged)
            findings.bytes_restored += part.bytes
        with findings.phase("compare"):
            wrong = _first_difference(listing, restored)
            failure = Cause("manifest_mismatch", f"share {part.manifest['share']}", wrong)
            files = f"{expected['files']} files with the same size, time and SHA-256"
            findings.require(f"{part.name}: files", not wrong, files, wrong or files, failure)


def _share(value: object) -> str:
    if not isinstance(value, str) or value.startswith("-") or not value.startswith("//"):
        raise ValueError(value)
    host, _, share = value.removeprefix("//").partition("/")
    if not host or not share or "/" in share or any(character.isspace() for character in host):
        raise ValueError(value)
    return value


def _start(source: SmbSource, listing: Path, report: Path, stdout: int) -> "subprocess.Popen[bytes]":
    listing.touch(mode=0o600)
    command = [sys.executable, "-m", "backup.sources.smb.relay", source.share, str(source.port)]
    command += [str(source.credentials_file), str(listing), str(report)]
    with report.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(
            ending_with_us(command),
            env={
                "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
                "LANG": "C.UTF-8",
                "PYTHONPATH": str(Path(__file__).parents[3]),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )


def _why(report: Path, returncode: int) -> tuple[str, str]:
    """Return cause code and detail of a relay that failed, from its report, else from its last words."""
    try:
        data = json.loads(report.read_text(encoding="utf-8"))
        return data["code"], data["detail"]
    except (OSError, ValueError, KeyError):
        words = report.with_suffix(".log").read_text(encoding="utf-8", errors="replace").split("\n")
        return "share_failed", " ".join([*words[-2:], f"(exit code {returncode})"])[:300]


def _describe(listing: Path) -> dict[str, Any]:
    digest, files, total = hashlib.sha256(), 0, 0
    with listing.open("rb") as stream:
        for line in stream:
            digest.update(line)
            entry = json.loads(line)
            files += bool(entry["sha256"])
            total += entry["size"]
    return {"files": files, "bytes": total, "listing_sha256": digest.hexdigest()}


def _list_archive(part: Part, stored: Stored, target: Path) -> str:
    """List the stored archive to ``target`` while it streams by; return why it is broken, or nothing."""
    with target.open("w", encoding="utf-8") as lines:
        return read_archive(part, stored, lambda entry: lines.write(entry.line()))


def read_archive(
    part: Part, stored: Stored, take: Callable[[Entry], object], keep: Callable[[str], IO[bytes] | None] = nowhere
) -> str:
    """Give ``take`` each entry of the stored archive while it streams by; return why it is broken, or nothing.

    ``keep`` may give a file for an entry's content.  Both are called in another thread; what they raise is raised.
    """
    read_end, write_end = os.pipe()
    problems: list[BaseException] = []

    def read() -> None:
        with os.fdopen(read_end, "rb", buffering=0) as stream:
            try:
                for entry in entries(lambda size: stream.read(size) or b"", keep=keep):
                    take(entry)
            except (TarBrokenError, BackupError, OSError) as error:
                problems.append(error)
            # Else restic would wait for ever for a reader.
            while stream.read(1 << 20):
                pass

    reader = threading.Thread(target=read)
    reader.start()
    try:
        command = ["dump", "--no-lock", stored.id_here(part), f"/{part.filename}"]
        demand(run(command, stored.repository, stdout=write_end, timeout_seconds=LONG_SECONDS), stored.repository)
    finally:
        os.close(write_end)
        reader.join()
    for problem in problems:
        if not isinstance(problem, TarBrokenError):
            raise problem
    return "; ".join(map(str, problems))


def _first_difference(listing: Path, restored: Path) -> str:
    with listing.open(encoding="utf-8") as expected, restored.open(encoding="utf-8") as got:
        while True:
            one, other = expected.readline(), got.readline()
            if one != other:
                return f"{one.strip() or 'nothing'} became {other.strip() or 'nothing'}"
            if not one:
                return ""
