"""The real console of the clinic in a real browser: first login, every page, the story of the faults before."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM, SWITCHES
from tests.lab.clinic import console_status, first_login
from tests.lab.eventually import eventually
from tests.lab.host import Host
from tests.lab.lab import Lab

pytestmark = [pytest.mark.lab]

PASSWORD = "Qinghe-2026-trial"  # of an account in a lab that lives for this test run


@pytest.fixture(scope="module")
def chromium(clinic: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This machine's Chromium on the workstation's network.

    It drops its connections whenever an interface comes or goes, and on this machine another lab's do.
    """
    network = clinic.host("ws1").leader_pid
    assert network is not None
    launcher = tmp_path_factory.mktemp("browser") / "chromium"
    launcher.write_text(f'#!/bin/sh\nexec nsenter --net=/proc/{network}/ns/net {CHROMIUM} "$@"\n')
    launcher.chmod(0o755)
    return launcher


@pytest.fixture(scope="module")
def page(clinic: Lab, appliance: Host, chromium: Path) -> Iterator[Page]:
    """A browser that has logged in by the one-time secret, as the first person does."""
    secret = first_login(clinic)
    assert secret
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        # The facility's authority is not in the browser's store; that the certificate is right is tested below.
        page = browser.new_context(ignore_https_errors=True, base_url=f"https://{appliance.address}:8443").new_page()
        page.goto("/")
        page.fill("input[name=secret]", secret)
        page.fill("input[name=username]", "chenfang")
        page.fill("input[name=password]", PASSWORD)
        page.fill("input[name=again]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url("**/")
        yield page
        browser.close()


def test_the_first_login_secret_works_once(clinic: Lab, page: Page):
    assert page.title().startswith("概览")
    assert console_status(clinic)["console"]["accounts"] == 1
    assert first_login(clinic) is None


def test_every_page_opens_without_an_error(page: Page):
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    for path in (
        "/",
        "/hosts/",
        "/hosts/his1",
        "/backups/",
        "/backups/repositories",
        "/runs/",
        "/compliance/",
        "/audit/",
    ):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert "{" not in page.inner_text("main h1, h1"), path
    assert said == []


def test_the_pages_tell_of_the_backup_that_lost_its_power(page: Page):
    def told() -> bool:
        page.goto("/backups/records")
        return "中断" in page.inner_text("main")

    eventually("the interrupted run is among the records of backups", told)


def test_the_runs_page_has_the_provisioning(page: Page):
    page.goto("/runs/")
    assert "site.yml" in page.inner_text("main")


def test_the_console_shows_its_certificate_of_the_facilitys_authority(appliance: Host):
    said = appliance.run("curl", "--silent", "--fail", "--cacert", "/etc/xinglin/pki/ca.crt",
                         f"https://{appliance.address}:8443/healthz")  # fmt: skip
    assert said


def test_the_audit_log_verifies_with_its_own_tool_and_has_the_first_login(appliance: Host):
    checked = appliance.attempt("/opt/xinglin/venv/bin/xinglin", "console", "audit", "verify")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "chenfang" in appliance.run("sh", "-c", "cat /var/lib/xinglin/console/audit/log/*.jsonl")
