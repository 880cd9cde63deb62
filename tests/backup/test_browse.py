"""The browse service over a real repository: lists, files, hostile questions, clients that hang up."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from backup.browse.client import BrowseClient
from backup.browse.protocol import ENTRIES, REQUEST_BYTES, Ask, Request, parse_answer
from backup.errors import BackupError
from tests.backup import tools
from tests.backup.browse_service import browse_service, children
from tests.backup.clinic_host import REPOSITORY_PASSWORD, ClinicHost, run

MIB = 1024 * 1024
BIG = 96 * MIB
PERSON = "病历 目录/张三 (1).txt"


def restic(repository: Path, *command: str) -> str:
    """Run plain restic on a repository and return what it printed."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "RESTIC_PASSWORD": REPOSITORY_PASSWORD}
    argv = ["restic", "-r", str(repository), "--no-cache", *command]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with what a directory may hold, a long directory and a large file."""
    root = tmp_path_factory.mktemp("files")
    (root / PERSON).parent.mkdir()
    (root / PERSON).write_text("方案 = 甲\n")
    (root / "empty").touch()
    (root / "[a]*?.txt").write_text("glob")
    (root / "new\nline").write_text("line")
    (root / "-r").write_text("dash")
    (root / "link").symlink_to("/etc/passwd")
    os.mkfifo(root / "pipe")
    Path(os.fsdecode(bytes(root) + b"/bad\xffname")).write_text("bad")
    (root / "many").mkdir()
    for number in range(ENTRIES * 2 + 5):
        (root / "many" / f"{number:05d}").touch()
    with (root / "big.bin").open("wb") as big:
        for _ in range(BIG // MIB):
            big.write(os.urandom(MIB))
    return root


@pytest.fixture(scope="module")
def repositories(programs: tools.Tools, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with the repository of his1, which holds one snapshot of the files."""
    directory = tmp_path_factory.mktemp("repositories")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{programs.restic.parent}:{os.environ['PATH']}")
        restic(directory / "his1", "init")
        restic(directory / "his1", "backup", "--host", "his1", "--tag", "run=1,kind=set", str(files))
        yield directory


@pytest.fixture(scope="module")
def password_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secret") / "repository.password"
    path.write_text(REPOSITORY_PASSWORD)
    return path


@pytest.fixture(scope="module")
def client(repositories: Path, password_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowseClient]:
    with browse_service(tmp_path_factory.mktemp("service"), repositories, password_file) as path:
        yield BrowseClient(path)


@pytest.fixture(scope="module")
def snapshot(client: BrowseClient) -> str:
    return client.snapshots("his1")[0].id


def code_of(ask: Callable[[], object]) -> str:
    """Return the code of the BackupError that ``ask`` raises."""
    with pytest.raises(BackupError) as caught:
        ask()
    return caught.value.cause.code


def content(client: BrowseClient, snapshot: str, path: Path) -> bytes:
    download = client.open("his1", snapshot, str(path))
    try:
        return b"".join(download.blocks())
    finally:
        download.close()


def test_a_night_of_the_job_can_be_read_back(host: ClinicHost, tmp_path: Path) -> None:
    config = host.with_files()
    done = run(config)
    with browse_service(tmp_path, host.local_server.data, config.repository_password_file) as path:
        client = BrowseClient(path)
        sealed = next(item for item in client.snapshots("his1") if item.id == done.snapshot_id)
        assert (sealed.tag("run"), sealed.tag("kind"), sealed.tag("policy")) == (done.run_id, "set", "his")
        assert sealed.bytes > 1000
        assert str(host.files) in sealed.paths
        source = host.files / "病历.conf"
        assert content(client, sealed.id, source) == source.read_bytes()


def test_a_directory_is_listed_with_what_it_holds(client: BrowseClient, snapshot: str, files: Path) -> None:
    top = client.list("his1", snapshot, "/")
    assert [(entry.name, entry.kind) for entry in top.entries] == [(files.parts[1], "dir")]
    found = {entry.name: entry for entry in client.list("his1", snapshot, str(files)).entries}
    assert {name: entry.kind for name, entry in found.items()} == {
        "-r": "file",
        "[a]*?.txt": "file",
        "bad\ufffdname": "file",
        "big.bin": "file",
        "empty": "file",
        "link": "symlink",
        "many": "dir",
        "new\nline": "file",
        "pipe": "fifo",
        "病历 目录": "dir",
    }
    assert found["big.bin"].size == BIG
    modified = found["big.bin"].mtime
    assert modified is not None
    assert abs(modified.timestamp() - (files / "big.bin").stat().st_mtime) < 1


def test_a_long_directory_comes_page_by_page(client: BrowseClient, snapshot: str, files: Path) -> None:
    names: list[str] = []
    more, pages = True, 0
    while more:
        page = client.list("his1", snapshot, str(files / "many"), names[-1] if names else "")
        names += [entry.name for entry in page.entries]
        more, pages = page.more, pages + 1
    assert pages == 3
    assert names == [f"{number:05d}" for number in range(ENTRIES * 2 + 5)]


@pytest.mark.parametrize("name", [PERSON, "empty", "[a]*?.txt", "new\nline", "-r"])
def test_a_file_comes_back_as_it_was(client: BrowseClient, snapshot: str, files: Path, name: str) -> None:
    assert content(client, snapshot, files / name) == (files / name).read_bytes()
    entry = client.entry("his1", snapshot, str(files / name))
    assert (entry.name, entry.size) == ((files / name).name, (files / name).stat().st_size)


@pytest.mark.parametrize("name", ["many", "link", "pipe", "gone", "bad\ufffdname"])
def test_only_ordinary_files_are_sent(client: BrowseClient, snapshot: str, files: Path, name: str) -> None:
    assert code_of(lambda: content(client, snapshot, files / name)) == "not_in_snapshot"
    assert code_of(lambda: client.entry("his1", snapshot, str(files / name))) == "not_in_snapshot"


def test_what_is_no_directory_is_not_listed(client: BrowseClient, snapshot: str, files: Path) -> None:
    for path in (files / "big.bin", files / "link", files / "nowhere"):
        assert code_of(partial(client.list, "his1", snapshot, str(path))) == "not_in_snapshot"


def said(client: BrowseClient, line: bytes) -> str:
    """Return the code that the service answers to a raw line, past the client's own checks."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(client.path))
        connection.settimeout(30)
        connection.sendall(line)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    with pytest.raises(BackupError) as caught:
        parse_answer(answer)
    return caught.value.cause.code


ID = "0" * 64


@pytest.mark.parametrize(
    "request_",
    [
        Request(Ask.SNAPSHOTS, "../his1"),
        Request(Ask.SNAPSHOTS, ".."),
        Request(Ask.SNAPSHOTS, "his1/data"),
        Request(Ask.SNAPSHOTS, ""),
        Request(Ask.SNAPSHOTS, "his1\n"),
        Request(Ask.SNAPSHOTS, "--repo=x"),
        Request(Ask.SNAPSHOTS, "his1", path="/"),
        Request(Ask.LIST, "his1", "latest", "/"),
        Request(Ask.LIST, "his1", ID[:63], "/"),
        Request(Ask.LIST, "his1", f"{ID}:/etc", "/"),
        Request(Ask.LIST, "his1", ID, ""),
        Request(Ask.LIST, "his1", ID, "etc"),
        Request(Ask.LIST, "his1", ID, "/../etc"),
        Request(Ask.LIST, "his1", ID, "/a/./b"),
        Request(Ask.LIST, "his1", ID, "/a//b"),
        Request(Ask.LIST, "his1", ID, "/a/"),
        Request(Ask.LIST, "his1", ID, "/a\0b"),
        Request(Ask.LIST, "his1", ID, "/" + "a" * 256),
        Request(Ask.LIST, "his1", ID, "/" + "/".join(["a" * 250] * 20)),
        Request(Ask.LIST, "his1", ID, "/\ud800"),
        Request(Ask.LIST, "his1", ID, "/", after="../x"),
        Request(Ask.FILE, "his1", ID, "/a", after="b"),
    ],
    ids=repr,
)
def test_a_question_without_the_right_form_is_refused(client: BrowseClient, request_: Request) -> None:
    assert said(client, request_.line()) == "browse_refused"


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}\n",
        b"[]\n",
        b"null\n",
        b'"ask"\n',
        b"x" * (REQUEST_BYTES + 1),
        b'{"ask": "delete", "host": "his1", "snapshot": "", "path": "", "after": ""}\n',
        b'{"ask": "list", "host": 1, "snapshot": "", "path": "", "after": ""}\n',
        b'{"ask": "snapshots", "host": "his1", "snapshot": "", "path": "", "after": "", "more": ""}\n',
        Request(Ask.SNAPSHOTS, "his1").line() * 2,
    ],
    ids=lambda line: line[:30].decode(),
)
def test_what_is_no_question_is_refused(client: BrowseClient, line: bytes) -> None:
    assert said(client, line) == "browse_refused"


def test_the_client_refuses_a_wrong_question_before_it_asks(tmp_path: Path) -> None:
    nobody = BrowseClient(tmp_path / "nobody")
    assert code_of(lambda: nobody.list("../his1", ID, "/")) == "browse_refused"
    assert code_of(lambda: nobody.snapshots("his1")) == "browse_unavailable"


def test_a_snapshot_that_is_not_there_is_named_so(client: BrowseClient) -> None:
    assert code_of(lambda: client.list("his1", ID, "/")) == "snapshot_gone"
    assert code_of(lambda: client.open("his1", ID, "/a")) == "snapshot_gone"


def test_a_missing_or_linked_repository_is_named_so(client: BrowseClient, repositories: Path) -> None:
    (repositories / "empty").mkdir(exist_ok=True)
    if not (repositories / "linked").is_symlink():
        (repositories / "linked").symlink_to("his1")
    for host in ("nobody", "empty", "linked"):
        assert code_of(partial(client.snapshots, host)) == "repository_missing"


def _without_index(repository: Path) -> None:
    shutil.rmtree(repository / "index")
    (repository / "index").mkdir()


def _with_broken_packs(repository: Path) -> None:
    for pack in (repository / "data").glob("*/*"):
        pack.chmod(0o600)
        pack.write_bytes(bytes(byte ^ 1 for byte in pack.read_bytes()[: 2 * MIB]))


def _with_empty_snapshot(repository: Path) -> None:
    for file in (repository / "snapshots").iterdir():
        file.chmod(0o600)
        file.write_bytes(b"")


def _with_empty_config(repository: Path) -> None:
    (repository / "config").chmod(0o600)
    (repository / "config").write_bytes(b"")


@pytest.mark.parametrize("break_", [_without_index, _with_broken_packs, _with_empty_snapshot, _with_empty_config])
def test_damage_is_named_so(
    repositories: Path, client: BrowseClient, snapshot: str, files: Path, break_: Callable[[Path], None]
) -> None:
    broken = repositories / "broken"
    shutil.copytree(repositories / "his1", broken)
    try:
        break_(broken)
        assert code_of(lambda: client.list("broken", snapshot, str(files))) == "repository_damaged"
        assert code_of(lambda: client.open("broken", snapshot, str(files / "big.bin"))) == "repository_damaged"
    finally:
        shutil.rmtree(broken)


def test_a_wrong_password_is_named_so(repositories: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("another")
    with browse_service(tmp_path, repositories, wrong) as path:
        assert code_of(lambda: BrowseClient(path).snapshots("his1")) == "wrong_password"


def appears(word: str, *, there: bool = True) -> bool:
    """Wait until a process with ``word`` on its command line is there, or none is; tell whether that happened."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if bool(children(word)) is there:
            return True
        time.sleep(0.01)
    return False


def gone(word: str) -> bool:
    """Wait until no process has ``word`` on its command line; tell whether that happened."""
    return appears(word, there=False)


def test_a_large_file_waits_for_its_reader_and_ends_with_it(
    client: BrowseClient, snapshot: str, files: Path, repositories: Path
) -> None:
    download = client.open("his1", snapshot, str(files / "big.bin"))
    blocks = download.blocks()
    assert next(blocks) == (files / "big.bin").read_bytes()[: download.received]
    assert len(children(f"{snapshot}\0{files / 'big.bin'}")) == 1
    download.close()
    assert gone(f"{snapshot}\0{files / 'big.bin'}")
    assert gone(f"backup.browse\0{repositories}")


def test_restic_ends_when_the_reader_goes_before_the_answer(
    snapshot: str, files: Path, repositories: Path, tmp_path: Path
) -> None:
    """restic waits for its password here: however late we look, it is at work."""
    never_told = tmp_path / "repository.password"
    os.mkfifo(never_told)
    with browse_service(tmp_path, repositories, never_told) as path:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(Request(Ask.LIST, "his1", snapshot, str(files / "many")).line())
            assert appears(f"\0ls\0--\0{snapshot}")
        assert gone(f"\0ls\0--\0{snapshot}")
        assert gone(f"backup.browse\0{repositories}")


def test_a_large_file_streams_with_constant_memory(client: BrowseClient, snapshot: str, files: Path) -> None:
    download = client.open("his1", snapshot, str(files / "big.bin"))
    marker = f"{snapshot}\0{files / 'big.bin'}"
    (restic_pid,) = children(marker)
    service = int(Path(f"/proc/{restic_pid}/stat").read_text().rpartition(")")[2].split()[1])
    for _block in download.blocks():
        peak = int(Path(f"/proc/{service}/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
        if download.received > BIG - 8 * MIB:
            break
    download.close()
    assert peak < 40 * MIB, peak


def pack_of_the_end(repository: Path, snapshot: str, file: Path) -> Path:
    """Return the pack that holds the end of a file."""
    tree = json.loads(restic(repository, "cat", "tree", f"{snapshot}:{file.parent}"))
    last = next(node["content"][-1] for node in tree["nodes"] if node["name"] == file.name)
    found = re.search(r"belongs to pack ([0-9a-f]{64})", restic(repository, "find", "--blob", last, "--show-pack-id"))
    assert found is not None
    return repository / "data" / found[1][:2] / found[1]


def test_a_file_that_breaks_off_is_never_taken_for_whole(
    repositories: Path, client: BrowseClient, snapshot: str, files: Path
) -> None:
    late = repositories / "late"
    shutil.copytree(repositories / "his1", late)
    try:
        pack = pack_of_the_end(late, snapshot, files / "big.bin")
        pack.chmod(0o600)
        pack.write_bytes(bytes(byte ^ 1 for byte in pack.read_bytes()))
        download = client.open("late", snapshot, str(files / "big.bin"))
        assert code_of(lambda: list(download.blocks())) == "download_broken"
        assert 0 < download.received < BIG
        download.close()
    finally:
        shutil.rmtree(late)
