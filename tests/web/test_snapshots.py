"""Snapshots on the console: lists, directories and downloads, over a real repository and the real browse service."""

import hashlib
import html
import os
import re
import socket
import subprocess
import threading
import time
import tracemalloc
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import TypeVar

import pytest
from flask import Flask
from waitress import wasyncore  # type: ignore[import-untyped]
from waitress.server import create_server  # type: ignore[import-untyped]
from werkzeug.http import parse_options_header

from console.audit.record import Record, parse
from console.config import ConsoleConfig
from console.serving import OUTPUT_BUFFER_BYTES
from console.store.models import BackupRunRow, Role, VerificationRow
from console.web.attachment import disposition, safe_name
from console.web.browsing import Memory
from console.web.context import Console
from tests.backup import tools
from tests.backup.browse_service import browse_service, children
from tests.web.conftest import NOW, ORIGIN, PASSWORD, Browser, add_account, token

MIB = 1024 * 1024
BIG = 64 * MIB
PERSON = '病历 目录/张三 "一".txt'
REASON = "核对 2026 年体检报告"
T = TypeVar("T")
SHOWN = re.compile(r'href="([^"]*)"')


@dataclass(frozen=True)
class Made:
    """The repository of his1 with two nights, the second of which nobody sealed, and its files."""

    repositories: Path
    password_file: Path
    files: Path
    sealing: str
    dump: str
    unsealed: str


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    try:
        programs = tools.get_tools()
    except tools.ToolsUnavailableError as error:
        pytest.skip(f"no restic 0.18 here: {error}")
    root = tmp_path_factory.mktemp("snapshots")
    files = root / "files"
    (files / PERSON).parent.mkdir(parents=True)
    (files / PERSON).write_text("方案 = 甲\n")
    (files / "<script>alert(1)").write_text("x")
    with (files / "big.bin").open("wb") as big:
        for _ in range(BIG // MIB):
            big.write(os.urandom(MIB))
    password_file = root / "password"
    password_file.write_text("correct horse")
    repository = root / "repositories" / "his1"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{programs.restic.parent}:{os.environ['PATH']}")

        def restic(*command: str, stdin: str | None = None) -> None:
            argv = [
                "restic",
                "-q",
                "-r",
                str(repository),
                "--password-file",
                str(password_file),
                "--no-cache",
                *command,
            ]
            subprocess.run(argv, input=stdin, text=True, check=True)

        def back_up(run: str, kind: str, *what: str, stdin: str | None = None) -> str:
            before = set(repository.glob("snapshots/*"))
            restic("backup", "--host", "his1", "--tag", f"run={run},policy=his,kind={kind}", *what, stdin=stdin)
            (fresh,) = set(repository.glob("snapshots/*")) - before
            return fresh.name

        restic("init")
        dump = back_up("night1", "dump", "--stdin", "--stdin-filename", "his.dump", stdin="PGDMP all patients")
        sealing = back_up("night1", "set", str(files))
        unsealed = back_up("night2", "dump", "--stdin", "--stdin-filename", "his.dump", stdin="PGDMP")
        yield Made(root / "repositories", password_file, files, sealing, dump, unsealed)


@pytest.fixture(scope="session")
def service(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with browse_service(tmp_path_factory.mktemp("service"), made.repositories, made.password_file) as path:
        yield path


@pytest.fixture
def config(config: ConsoleConfig, service: Path) -> ConsoleConfig:
    return replace(config, browse_socket=service)


@pytest.fixture
def people(app: Flask) -> dict[Role, Browser]:
    """One person of each role, logged in."""
    found = {}
    for role in Role:
        add_account(app, f"{role.value}1", role)
        found[role] = Browser(app.test_client()).log_in(f"{role.value}1")
    return found


def address(snapshot: str, path: str | None = None, page: str = "") -> str:
    query = "" if path is None else "?path=" + urllib.parse.quote(path)
    return f"/backups/snapshots/his1/{snapshot}/{page}{query}"


def records(config: ConsoleConfig, action: str) -> list[Record]:
    lines = (config.audit_directory / "log" / f"{NOW:%Y-%m-%d}.jsonl").read_bytes().splitlines(keepends=True)
    return [record for line in lines if (record := parse(line)) is not None and record.action.startswith(action)]


def report_night(app: Flask, made: Made) -> None:
    """Let the store know what the host reported about its first night."""
    console: Console = app.extensions["xinglin"]
    start = NOW - timedelta(hours=3)
    with console.sessions.begin() as session:
        run = session.query(BackupRunRow).filter_by(host="his1", outcome="success").first()
        assert run is not None
        run.run_id, run.offsite_snapshot_id, run.started_at = "night1", "f" * 64, start
        proof = session.query(VerificationRow).filter_by(host="his1").first()
        assert proof is not None
        proof.snapshot_id, proof.verdict = made.sealing, "passed"


def test_everybody_sees_the_list_of_sealed_backups_and_nothing_unsealed(
    people: dict[Role, Browser], app: Flask, made: Made
) -> None:
    report_night(app, made)
    for role, person in people.items():
        page = person.get("/backups/snapshots/his1/")
        assert made.sealing[:12] in page
        assert made.unsealed[:12] not in page
        assert made.dump[:12] not in page
        assert page.count('data-label="快照"') == 1
        assert "已证明" in page or "已验证" in page
        assert "异地" in page
        assert (address(made.sealing) in page) is (role in {Role.ADMINISTRATOR, Role.OPERATOR})


def test_only_those_who_work_with_it_look_inside_and_only_the_administrator_downloads(
    people: dict[Role, Browser], made: Made, config: ConsoleConfig
) -> None:
    person = str(made.files / PERSON)
    looking = {Role.ADMINISTRATOR: 200, Role.OPERATOR: 200, Role.SECURITY: 403, Role.AUDITOR: 403}
    for role, status in looking.items():
        taking = 200 if role is Role.ADMINISTRATOR else 403
        people[role].get(address(made.sealing), status)
        folder = people[role].get(address(made.sealing, str(made.files)), status)
        assert ("/file?" in folder) is (role is Role.ADMINISTRATOR)
        people[role].get(address(made.sealing, person, "file"), taking)
        answer = people[role].client.post(
            address(made.sealing, None, "file"),
            base_url=ORIGIN,
            data={"path": person, "reason": REASON, "csrf_token": token(people[role].get("/"))},
            headers={"Referer": ORIGIN + "/"},
            buffered=True,
        )
        assert answer.status_code == taking
    assert [record.actor for record in records(config, "backup.downloaded")] == ["administrator1"]


def test_one_walks_from_the_list_to_a_file_by_links_alone(browser: Browser, made: Made) -> None:
    page = browser.get("/backups/snapshots/his1/?policy=his")
    for wanted in (f"/his1/{made.sealing}/", f"path={urllib.parse.quote(str(made.files), safe='/')}", "path=", "file?"):
        links = [html.unescape(link) for link in SHOWN.findall(page[page.index('id="main"') :])]
        page = browser.get(next(link for link in reversed(links) if wanted in link and "after=" not in link))
    assert "张三" in page
    assert 'name="reason"' in page


def download(browser: Browser, snapshot: str, path: str, reason: str = REASON) -> tuple[int, dict[str, str], bytes]:
    """Ask for a file as its page does; return status, headers and content."""
    page = address(snapshot, path, "file")
    fields = {"path": path, "reason": reason, "csrf_token": token(browser.get(page))}
    answer = browser.client.post(page, base_url=ORIGIN, data=fields, headers={"Referer": ORIGIN + page}, buffered=True)
    return answer.status_code, dict(answer.headers), answer.data


def test_a_file_comes_down_as_it_was_after_the_audit_log_knows_why(
    browser: Browser, made: Made, config: ConsoleConfig
) -> None:
    path = str(made.files / PERSON)
    status, headers, content = download(browser, made.sealing, path)
    assert (status, content) == (200, (made.files / PERSON).read_bytes())
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Length"] == str(len(content))
    assert headers["Content-Disposition"] == (
        "attachment; filename=\"__ ___.txt\"; filename*=UTF-8''" + urllib.parse.quote("张三 _一_.txt")
    )
    begun, ended = records(config, "backup.download")
    assert (begun.action, begun.actor, begun.object, begun.result) == ("backup.downloaded", "lihua", "his1", "success")
    assert begun.detail["path"] == path
    assert begun.detail["reason"] == REASON
    assert begun.detail["snapshot"] == made.sealing
    assert (ended.action, ended.result, ended.detail["record"]) == ("backup.download_ended", "success", begun.seq)
    assert ended.detail["bytes"] == len(content)


def test_a_dump_comes_down_with_a_warning_that_it_holds_patients_data(browser: Browser, made: Made) -> None:
    page = browser.get(address(made.sealing))
    link = next(html.unescape(link) for link in SHOWN.findall(page) if made.dump in link)
    assert "全部患者的数据" in browser.get(link)
    assert "全部患者的数据" not in browser.get(address(made.sealing, str(made.files / "big.bin"), "file"))
    assert download(browser, made.dump, "/his.dump")[2] == b"PGDMP all patients"


@pytest.mark.parametrize("reason", ["", "   ", "abc", "x" * 301])
def test_without_a_reason_nothing_comes_down(browser: Browser, made: Made, config: ConsoleConfig, reason: str) -> None:
    status, headers, content = download(browser, made.sealing, str(made.files / PERSON), reason)
    assert (status, headers["Content-Type"]) == (422, "text/html; charset=utf-8")
    assert "4 到 300" in content.decode()
    assert records(config, "backup.") == []


@pytest.mark.parametrize(
    "path", ["/../etc/passwd", "etc", "/a//b", "/nowhere", "/%00", "/" + "a" * 300, "--help", "/\ud7ff\n", "../../x"]
)
def test_no_path_leads_out_of_the_snapshot(browser: Browser, made: Made, config: ConsoleConfig, path: str) -> None:
    for page in ("", "file"):
        assert "下一步" in browser.get(address(made.sealing, path, page), status=404)
    fields = {"path": path, "reason": REASON, "csrf_token": token(browser.get("/"))}
    answer = browser.client.post(
        address(made.sealing, None, "file"), base_url=ORIGIN, data=fields, headers={"Referer": ORIGIN + "/"}
    )
    assert answer.status_code == 404
    assert [record.result for record in records(config, "backup.downloaded")] == ["failure"]


def test_what_is_in_no_sealed_backup_of_a_known_host_is_not_shown(browser: Browser, made: Made) -> None:
    for snapshot in (made.unsealed, "0" * 64, "latest", made.sealing[:12]):
        browser.get(address(snapshot), status=404)
        browser.get(address(snapshot, "/his.dump", "file"), status=404)
    for host in ("nobody", "..", "his1%2F..%2Fhis1"):
        browser.get(f"/backups/snapshots/{host}/", status=404)


def test_a_missing_repository_and_a_silent_service_are_explained(
    browser: Browser, config: ConsoleConfig, make_app: Callable[[ConsoleConfig], Flask], tmp_path: Path
) -> None:
    assert "xinglin backup init" in browser.get("/backups/snapshots/pacs1/", status=503)
    lonely = make_app(replace(config, browse_socket=tmp_path / "nobody"))
    other = Browser(lonely.test_client()).log_in()
    assert "xinglin provision --tags browse" in other.get("/backups/snapshots/his1/", status=503)


def test_names_of_files_are_shown_as_text_never_as_markup(browser: Browser, made: Made) -> None:
    page = browser.get(address(made.sealing, str(made.files)))
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


@pytest.fixture
def served(app: Flask, tmp_path: Path) -> Iterator[Path]:
    """The application behind waitress, on a Unix socket as in real life."""
    path = tmp_path / "web.sock"
    server = create_server(
        app,
        unix_socket=str(path),
        threads=4,
        clear_untrusted_proxy_headers=True,
        outbuf_high_watermark=OUTPUT_BUFFER_BYTES,
    )
    stopping = threading.Event()

    def work() -> None:
        while not stopping.is_set():
            wasyncore.loop(timeout=0.1, map=server._map, count=1)

    thread = threading.Thread(target=work)
    thread.start()
    yield path
    # A download that the browser has left must have ended: it would stand beside the next test.
    awaited(lambda: not server.active_channels)
    stopping.set()
    thread.join()
    server.task_dispatcher.shutdown()
    server.close()
    wasyncore.close_all(server._map)


class Wire:
    """A browser on that socket, with a connection for each request."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cookies: dict[str, str] = {}
        self._open: list[HTTPConnection | HTTPResponse] = []

    def close(self) -> None:
        """Hang up all connections."""
        for each in self._open:
            each.close()

    def ask(self, method: str, page: str, **fields: str) -> HTTPResponse:
        """Send one request and return the answer with its body still to be read."""
        connection = HTTPConnection("console.test", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(60)
        connection.sock.connect(str(self.path))
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, page, urllib.parse.urlencode(fields), headers)
        answer = connection.getresponse()
        self._open += [answer, connection]
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def send(self, page: str, **fields: str) -> HTTPResponse:
        """Fill the form of a page and send it to the page's own address."""
        answer = self.ask("GET", page)
        form = answer.read().decode()
        assert answer.status == 200, form[:300]
        return self.ask("POST", page, csrf_token=token(form), **fields)


@pytest.fixture
def wire(app: Flask, served: Path) -> Iterator[Wire]:
    add_account(app)
    wire = Wire(served)
    assert wire.send("/login", username="lihua", password=PASSWORD).status == 302
    yield wire
    wire.close()


def awaited(look: Callable[[], T]) -> T:
    """Return what ``look`` finds as soon as it finds anything."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise TimeoutError


def ended(config: ConsoleConfig) -> Record:
    """Wait for the record of a download's end."""
    return awaited(lambda: records(config, "backup.download_ended"))[-1]


def test_a_large_file_streams_with_constant_memory(wire: Wire, made: Made, config: ConsoleConfig) -> None:
    path = str(made.files / "big.bin")
    digest = hashlib.sha256()
    # What Python holds, not the process: how much freed memory the allocator keeps depends on its threads' turns.
    tracemalloc.start()
    try:
        answer = wire.send(address(made.sealing, path, "file"), path=path, reason=REASON)
        assert answer.status == 200
        while block := answer.read(MIB):
            digest.update(block)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert digest.digest() == hashlib.sha256((made.files / "big.bin").read_bytes()).digest()
    assert most < 12 * MIB, most
    assert ended(config).result == "success"


def test_when_the_reader_goes_restic_ends_and_the_audit_log_knows(
    wire: Wire, made: Made, config: ConsoleConfig
) -> None:
    path = str(made.files / "big.bin")
    answer = wire.send(address(made.sealing, path, "file"), path=path, reason=REASON)
    assert len(answer.read(MIB)) == MIB
    assert records(config, "backup.download_ended") == []
    assert children(f"dump\0--\0{made.sealing}") != []
    wire.close()
    record = ended(config)
    assert record.result == "failure"
    assert record.detail["bytes"] < record.detail["size"] == BIG
    # The service hears of it by its socket, so it may still be at work when the console has written its record.
    assert awaited(lambda: children(f"dump\0--\0{made.sealing}") == [])


def test_no_more_downloads_run_at_once_than_leave_room_for_pages(wire: Wire, made: Made) -> None:
    path = str(made.files / "big.bin")
    page = address(made.sealing, path, "file")
    running = [wire.send(page, path=path, reason=REASON) for _ in range(2)]
    assert [answer.status for answer in running] == [200, 200]
    assert wire.send(page, path=path, reason=REASON).status == 503


def test_an_answer_is_kept_for_a_while_and_a_failure_is_not() -> None:
    moment, asked = [0.0], []

    def ask() -> int:
        asked.append(moment[0])
        if len(asked) == 1:
            raise ValueError
        return len(asked)

    memory = Memory(lambda: moment[0])
    with pytest.raises(ValueError, match=r"^$"):
        memory.get("x", 60, ask)
    assert [memory.get("x", 60, ask), memory.get("x", 60, ask)] == [2, 2]
    moment[0] = 61
    assert memory.get("x", 60, ask) == 3
    for number in range(100):
        memory.get(number, 60, lambda: "")
    assert memory.get("x", 60, ask) == 4


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("报告.pdf", "报告.pdf"),
        ('a"b\\c/d:e.txt', "a_b_c_d_e.txt"),
        ("a\r\nSet-Cookie: x", "a__Set-Cookie_ x"),
        ("photo\u202egpj.exe", "photo_gpj.exe"),
        ("...", "file"),
        ("", "file"),
        ("x" * 300 + ".txt", "x" * 150 + ".txt"),
    ],
)
def test_a_name_from_a_backup_is_safe_to_save(name: str, safe: str) -> None:
    assert safe_name(name) == safe
    header = disposition(name)
    assert header.isascii()
    assert header.isprintable()
    _, parameters = parse_options_header(header)
    assert parameters["filename"] == safe
