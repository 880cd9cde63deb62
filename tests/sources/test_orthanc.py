"""The Orthanc source against a real Orthanc with real DICOM instances that it made itself."""

import contextlib
import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from backup.errors import BackupError
from backup.process import end, ending_with_us
from backup.sources import sqlite
from backup.sources.orthanc import index
from backup.sources.orthanc.source import OrthancSource
from tests.backup.servers import await_port, reserved_port
from tests.sources.rig import Rig

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


@dataclass
class Orthanc:
    """A running Orthanc on loopback."""

    directory: Path
    port: int

    @property
    def source(self) -> OrthancSource:
        return OrthancSource(self.directory / "index", self.directory)

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            return json.loads(answer.read() or b"null")

    def add(self, number: int) -> str:
        tags = {"PatientName": f"Zhang^San^{number}", "PatientID": f"P{number}", "Modality": "CR"}
        answer = self.call("POST", "/tools/create-dicom", {"Tags": tags, "Content": PIXEL})
        return str(answer["ParentPatient"])


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    program = shutil.which("Orthanc", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        pytest.skip("Orthanc is not installed (apt-get install orthanc)")
    with reserved_port() as port:
        made = Orthanc(tmp_path / "orthanc", port)
        made.directory.mkdir()
        configuration = {
            "StorageDirectory": str(made.directory),
            "IndexDirectory": str(made.directory),
            "HttpPort": made.port,
            "DicomServerEnabled": False,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
        }
        (tmp_path / "orthanc.json").write_text(json.dumps(configuration))
        with (tmp_path / "orthanc.log").open("wb") as log:
            process = subprocess.Popen(
                ending_with_us([program, str(tmp_path / "orthanc.json")]),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            await_port(made.port)
            for number in range(12):
                made.add(number)
            yield made
        finally:
            end(process)


def test_index_and_storage_of_a_running_orthanc_are_captured_and_proved(rig: Rig, orthanc: Orthanc):
    orthanc.source.require()
    part, stored = rig.capture(orthanc.source)
    statistics = orthanc.call("GET", "/statistics")
    assert part.manifest["instances"] == statistics["CountInstances"] == 12
    assert part.manifest["bytes"] == int(statistics["TotalDiskSize"])
    findings = rig.prove(orthanc.source, part, stored)
    assert [item.id.split(": ")[1] for item in findings.assertions] == ["index", "attachments", "sample of attachments"]


def test_the_live_index_is_locked_so_that_sqlite_alone_could_not_copy_it(
    orthanc: Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "place").mkdir()
    assert index._is_locked(orthanc.source.index)
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    with pytest.raises(BackupError, match="locked"):
        sqlite.copy_database(orthanc.source.index, tmp_path / "copy", tmp_path / "place")


def test_copies_taken_while_orthanc_writes_are_whole_and_name_only_what_is_stored(orthanc: Orthanc, tmp_path: Path):
    seen = []
    for number in range(100, 160):
        orthanc.add(number)
        if number % 6 == 0:
            target = tmp_path / f"copy{number}"
            index.copy_index(orthanc.source.index, target, tmp_path)
            seen.append(index.describe(target)["instances"])
            assert all((orthanc.directory / path).exists() for path in index.attachments(target))
    assert seen == [12 + n - 99 for n in range(100, 160) if n % 6 == 0]


def test_what_is_deleted_in_orthanc_after_the_copy_is_not_missed_but_what_is_lost_is(rig: Rig, orthanc: Orthanc):
    patient = orthanc.add(50)
    work = rig.work()
    part = orthanc.source.capture(work)
    orthanc.call("DELETE", f"/patients/{patient}")
    stored = rig.seal()
    findings = rig.prove(orthanc.source, part, stored)
    got = next(item.got for item in findings.assertions if item.id.endswith(": attachments"))
    assert got.startswith("12 so, 1 deleted in Orthanc meanwhile, 0 not so")

    part = orthanc.source.capture(rig.work())
    next(path for path in orthanc.directory.glob("??/??/*")).unlink()
    with pytest.raises(BackupError, match="1 attachments missing"):
        rig.prove(orthanc.source, part, rig.seal())


@pytest.mark.parametrize("same_size", [True, False])
def test_a_changed_attachment_is_told(rig: Rig, orthanc: Orthanc, same_size: bool):
    victim = next(path for path in orthanc.directory.glob("??/??/*"))
    content = victim.read_bytes()
    victim.write_bytes(bytes([content[0] ^ 1]) + content[1:] if same_size else content + b"x")
    part, stored = rig.capture(orthanc.source)
    with pytest.raises(BackupError, match="other content" if same_size else "another size"):
        rig.prove(orthanc.source, part, stored)


def test_a_missing_index_is_told(orthanc: Orthanc):
    with pytest.raises(BackupError, match="source_missing"):
        replace(orthanc.source, index=Path("/nowhere/index")).require()
