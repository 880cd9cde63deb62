"""The source of network devices' configurations: one staged file or more a device.

A device that does not answer is a warning, not a failure: its last good configuration stays in the set.
"""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from backup.config.reader import Reader, a_list, a_name, a_path
from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.night.recorder import now_utc
from backup.sources.devices import ssh, store
from backup.sources.devices.platforms import PLATFORMS, fault, meaning
from backup.sources.devices.ssh import Device
from backup.sources.devices.store import Stand
from backup.sources.paths import sha256
from backup.sources.work import Stored, Work
from backup.status import Cause, format_time
from backup.verification.findings import Findings

DIRECTORY = "devices"
WORST_FIRST = ("device_key_changed", "device_refused", "device_answer_wrong", "device_silent")
SHOWN = 5


@dataclass(frozen=True)
class DevicesSource:
    """Some network devices."""

    devices: tuple[Device, ...]
    kind: ClassVar[str] = "devices"

    @classmethod
    def read(cls, reader: Reader, data: Mapping[str, Any], where: str) -> Self | None:
        """Read ``{"devices": [{"name": …, "platform": …, "address": …, "user": …, …}]}``."""
        if reader.mapping(data, where, {cls.kind}, set()) is None:
            return None
        items = reader.value(data, cls.kind, where, a_list, "a list with at least one device") or []
        found = [_device(reader, item, f"{where}.{cls.kind}[{n}]") for n, item in enumerate(items)]
        names = [device.name for device in found if device]
        if len(set(names)) != len(names):
            reader.mistakes.append(f"{where}.{cls.kind}: two devices have the same name")
        return cls(tuple(device for device in found if device))

    @property
    def name(self) -> str:
        """The part's name: a policy has one such source."""
        return self.kind

    @property
    def place(self) -> str:
        """All devices' names."""
        return "devices " + ", ".join(device.name for device in self.devices)

    def require(self) -> None:
        """See that ssh is there; what a device says is known when it is asked, and a silent one stops no other."""
        if not shutil.which("ssh"):
            raise BackupError("tool_missing", "ssh", "the program is not installed")

    def capture(self, work: Work) -> Part:
        """Ask every device; stage what it gave, or what it gave last."""
        known = work.staging.parent / DIRECTORY
        staged = work.staging / DIRECTORY
        for directory in (known, staged):
            directory.mkdir(mode=0o700, exist_ok=True)
        entries, problems = [], []
        for device in self.devices:
            problem = None
            try:
                stand: Stand | None = _fetched(device, known)
            except BackupError as error:
                problem, stand = error.cause, store.kept(known, device.name)
                since = f"kept: that of {stand.fetched_at}" if stand else "there is none from before"
                problems.append(Cause(problem.code, device.place, f"{problem.detail}; {since}"))
            if stand:
                store.stage(known, stand, staged)
            entries.append(_entry(device, stand, problem))
        if problems:
            work.notes.warning = _warning(problems)
        size = sum(file["size"] for entry in entries for file in entry["files"])
        work.notes.numbers |= {"bytes": size, "devices": len(entries), "devices_not_read": len(problems)}
        work.notes.numbers["devices_changed"] = sum(entry["changed"] for entry in entries)
        return Part(self.kind, self.name, None, None, size, {"devices": entries})

    def prove(self, part: Part, stored: Stored, findings: Findings) -> None:
        """Restore every file, compare it with the manifest, and see that it is a whole configuration."""
        (stored.place / DIRECTORY).mkdir(mode=0o700, exist_ok=True)
        for entry in part.manifest.get("devices", []):
            with findings.phase("fetch"):
                files = {file["file"]: stored.staged(f"{DIRECTORY}/{file['file']}") for file in entry["files"]}
            wrong = [problem for file in entry["files"] for problem in _wrong(entry, file, files[file["file"]])]
            findings.bytes_restored += sum(path.stat().st_size for path in files.values())
            findings.require(
                f"device {entry['name']}: configuration",
                not wrong,
                f"{len(files)} files with the same SHA-256, of {entry['fetched_at'] or 'no time yet'}",
                "; ".join(wrong) or f"{len(files)} the same",
                Cause("manifest_mismatch", f"device {entry['name']}", "; ".join(wrong)),
            )


def _device(reader: Reader, data: object, where: str) -> Device | None:
    needed = {"name", "platform", "address", "user", "key_file", "known_hosts_file"}
    found = reader.mapping(data, where, needed, {"port"})
    if found is None:
        return None
    path = "an absolute path"
    return Device(
        name=reader.value(found, "name", where, a_name, "a name"),
        platform=reader.value(found, "platform", where, _platform, ", ".join(PLATFORMS)),
        address=reader.value(found, "address", where, a_name, "an address or a host name"),
        user=reader.value(found, "user", where, a_name, "a user name"),
        key_file=reader.value(found, "key_file", where, a_path, path),
        known_hosts_file=reader.value(found, "known_hosts_file", where, a_path, path),
        port=reader.value({"port": 22} | dict(found), "port", where, int, "a port number"),
    )


def _platform(value: object) -> str:
    if value not in PLATFORMS:
        raise ValueError(value)
    return str(value)


def _fetched(device: Device, known: Path) -> Stand:
    platform = PLATFORMS[device.platform]
    files = ssh.fetch(device)
    whole = " ".join(meaning(platform, output, files[output.suffix]) for output in platform.outputs)
    return store.keep(known, device.name, whole, files, platform=device.platform, moment=format_time(now_utc()))


def _entry(device: Device, stand: Stand | None, problem: Cause | None) -> dict[str, Any]:
    """Return one device of the manifest; ``stale`` when its configuration is an earlier night's."""
    files = [{"file": file, "size": size, "sha256": digest} for file, size, digest in stand.files] if stand else []
    return {
        "name": device.name,
        "platform": stand.platform if stand else device.platform,
        "files": files,
        "fetched_at": stand.fetched_at if stand else None,
        "changed_at": stand.changed_at if stand else None,
        "changed": stand is not None and problem is None and stand.changed_at == stand.fetched_at,
        "stale": problem is not None,
        "problem": asdict(problem) if problem else None,
    }


def _warning(problems: list[Cause]) -> Cause:
    worst = min(problems, key=lambda problem: WORST_FIRST.index(problem.code) if problem.code in WORST_FIRST else -1)
    if len(problems) == 1:
        return worst
    more = f" and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    others = "; ".join(f"{problem.place}: {problem.detail}" for problem in problems[:SHOWN])
    return Cause(worst.code, worst.place, others + more)


def _wrong(entry: Mapping[str, Any], file: Mapping[str, Any], path: Path) -> list[str]:
    if (path.stat().st_size, sha256(path)) != (file["size"], file["sha256"]):
        return [f"{file['file']} has other content"]
    suffix = str(file["file"]).removeprefix(f"{entry['name']}.")
    outputs = PLATFORMS[entry["platform"]].outputs if entry["platform"] in PLATFORMS else ()
    output = next((each for each in outputs if each.suffix == suffix), None)
    problem = fault(output, path.read_bytes()) if output else ""
    return [f"{file['file']}: {problem}"] if problem else []
