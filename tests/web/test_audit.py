"""The audit page: records, verification, exports; and the commands it prints, typed as printed."""

import html
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from console.audit.log import AuditLog
from console.audit.seal import seal_finished_days
from console.config import ConsoleConfig
from tests.clock import Clock
from tests.web.conftest import NOW, Browser, add_account


@pytest.fixture
def sealed(empty_config: ConsoleConfig, make_app: Callable[[ConsoleConfig], Flask], clock: Clock) -> Browser:
    """A console with two finished, sealed days of audit log and a third that is going on."""
    log = AuditLog(empty_config.audit_directory, now=clock)
    for back in (2, 1):
        clock.moment = NOW - timedelta(days=back)
        log.append(actor="lihua", action="login", target="console", detail={"address": "198.18.0.20"})
    clock.moment = NOW
    seal_finished_days(log, "appliance1", "synchronised")
    app = make_app(empty_config)
    add_account(app)
    return Browser(app.test_client()).log_in()


def test_records_are_shown_newest_first_with_their_words(sealed: Browser) -> None:
    page = sealed.get("/audit/")
    numbers = [int(number) for number in re.findall(r'data-label="序号">(\d+)<', page)]
    assert numbers == sorted(numbers, reverse=True)
    assert "创建账号" in page
    assert "198.18.0.20" in sealed.get(f"/audit/?day={NOW - timedelta(days=1):%Y-%m-%d}")


def test_a_whole_log_verifies_and_the_verification_is_itself_recorded(sealed: Browser) -> None:
    assert "尚未校验" in sealed.get("/audit/")
    assert sealed.send("/audit/", "/audit/verify") == "/audit/"
    page = sealed.get("/audit/")
    assert len(re.findall(r'data-state="ok">(?:(?!</span>).)*成立</span>', page)) == 2
    assert "audit.verified" in page


def test_a_changed_record_is_found_and_its_place_is_named(sealed: Browser, empty_config: ConsoleConfig) -> None:
    day = empty_config.audit_directory / "log" / f"{NOW - timedelta(days=1):%Y-%m-%d}.jsonl"
    day.write_text(day.read_text(encoding="utf-8").replace("198.18.0.20", "198.18.0.99"), encoding="utf-8")
    sealed.send("/audit/", "/audit/verify")
    page = sealed.get("/audit/")
    assert "不成立" in page
    assert day.name in page


def test_the_printed_commands_verify_the_log_without_the_console(sealed: Browser) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing: install the Debian package openssl")
    block = re.search(r"<pre>(cd .*?)</pre>", sealed.get("/audit/"), re.DOTALL)
    assert block is not None
    script = html.unescape(block[1])
    done = subprocess.run(["sh", "-eu"], input=script, capture_output=True, text=True, check=True)
    assert "Verified OK" in done.stdout
    file_hash = re.search(r"^([0-9a-f]{64})  log/", done.stdout, re.MULTILINE)
    sealed_hash = re.search(r"^sha256: ([0-9a-f]{64})", done.stdout, re.MULTILINE)
    assert file_hash is not None
    assert sealed_hash is not None
    assert file_hash[1] == sealed_hash[1]
    chain = re.findall(r"^previous-seal-sha256: ([0-9a-f]{64})\n([0-9a-f]{64})  seals/", done.stdout, re.MULTILINE)
    assert chain[1][0] == chain[0][1]


def test_an_export_gives_the_file_as_it_is_and_leaves_a_record(sealed: Browser, empty_config: ConsoleConfig) -> None:
    name = f"{NOW - timedelta(days=1):%Y-%m-%d}.jsonl"
    assert sealed.get(f"/audit/files/{name}").encode() == (empty_config.audit_directory / "log" / name).read_bytes()
    assert "audit.exported" in sealed.get("/audit/")
    for path in ("p256.pem", "lock", "..%2fsession.key"):
        sealed.get(f"/audit/files/{path}", status=404)
