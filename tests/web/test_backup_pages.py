"""The pages of backups: each system, its nights, what runs, repositories and decisions, restores step by step."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from backup.status import Cause, CopyDisk, CopyState, Outcome, Step, to_json
from console.store.models import HostLatest, RepositoryRow, SpaceRow
from console.web.context import Console
from console.web.systems import curve
from console.worker.backups import ingest_backups
from tests.clock import Clock
from tests.web.conftest import NOW, Browser


@pytest.fixture
def english(browser: Browser) -> Browser:
    browser.send("/", "/preferences", locale="en", back="/")
    return browser


def night(page: str, day: str) -> str:
    """Return the cell of a night."""
    found = re.search(rf'<(?:a|span) class="night [^>]*title="{day}[^>]*>', page)
    assert found is not None, day
    return found[0]


def card(page: str, name: str) -> str:
    """Return the part of a page about one system."""
    start = page.index(f'id="system-{name}"')
    return page[start : page.index("</section>", start)]


def store(browser: Browser) -> Console:
    console: Console = browser.client.application.extensions["xinglin"]
    return console


def link(page: str, pattern: str) -> str:
    found = re.search(rf'href="({pattern})"', page)
    assert found is not None, pattern
    return found[1]


def test_a_night_says_by_shape_and_word_what_it_came_to(english: Browser) -> None:
    his = english.get("/backups/?host=his1")
    pacs, appliance = english.get("/backups/?host=pacs1"), english.get("/backups/?host=appliance1")
    for page, day, kind, word in (
        (his, "2026-11-22", "proved", "Restore proved"),
        (his, "2026-11-14", "recovered", "Recovered the same day, Proved"),
        (his, "2026-11-03", "unproved", "Backed up, not proved"),
        (pacs, "2026-11-19", "warning", "With warnings, Proved"),
        (pacs, "2026-11-07", "failed", "Backup failed"),
        (pacs, "2026-11-01", "disproved", "Not restorable"),
        (appliance, "2026-11-11", "missed", "No backup that night"),
    ):
        cell = night(page, day)
        assert f'data-night="{kind}"' in cell
        assert f'title="{day}: {word}"' in cell
    assert "#state-missed" in appliance
    assert len(re.findall(r'<td>\s*(?:<a|<span) class="night', his)) == 35


def test_a_night_that_failed_leads_to_its_cause_and_one_not_restorable_to_its_proof(english: Browser) -> None:
    page = english.get("/backups/?host=pacs1")
    failed = re.search(r'data-night="failed" href="([^"]+)"', page)
    assert failed is not None
    run = english.get(failed[1])
    assert "The backup repository cannot be reached" in run
    assert "connection refused" in run
    assert "Next step" in run
    disproved = re.search(r'data-night="disproved" href="([^"]+)"', page)
    assert disproved is not None
    assert "images/2026/10/31/0042.dcm" in english.get(disproved[1])


def test_a_system_shows_its_way_to_the_vault_and_its_numbers_against_targets(english: Browser) -> None:
    system = card(english.get("/backups/"), "his1-his")
    for text in ("Local repository", "Offsite vault", "appliance1", "vault1", "/ 4 h", "/ 1 d", "Protected", "free"):
        assert text in system
    assert re.search(r'<svg class="curve"[^>]*aria-label="From [\d.]+ GiB to [\d.]+ GiB in \d+ days"', system)
    assert "over target from 2027" not in system
    assert "over target from 2027" in card(english.get("/backups/"), "pacs1-pacs")
    assert link(system, '/backups/snapshots/his1/[^"]*')


def test_each_repository_is_proved_by_its_own_restores(english: Browser, clock: Clock) -> None:
    def proofs() -> list[bool]:
        """Return whether the local repository and the vault are proved."""
        english.log_in()
        system = card(english.get("/backups/"), "his1-his")
        here, there = system.split("Last proved restore from the vault")
        return ["Not proved" not in here, "Not proved" not in there]

    assert proofs() == [True, True]
    clock.moment += timedelta(days=2, hours=1)
    assert proofs() == [False, True]
    clock.moment += timedelta(days=5)
    assert proofs() == [False, False]


def test_a_system_shows_what_all_its_data_would_take_and_until_when_any_moment_comes_back(english: Browser) -> None:
    system = card(english.get("/backups/"), "his1-his")
    assert "all the data: 2 min 5 s" in system
    assert re.search(r"Any point in time until</dt><dd><time [^>]*>10:32</time>", system)
    assert "Any point in time until" not in card(english.get("/backups/"), "pacs1-pacs")
    assert "from the vault 3 of 3" in english.get("/")


def test_a_backup_under_way_is_shown_with_its_step_and_share(english: Browser, clock: Clock) -> None:
    page = english.get("/backups/")
    running = page[page.index('id="running-now"') : page.index('class="legend')]
    assert "Back up to the local repository" in running
    assert "62.0%" in running
    assert "256 GiB" in running
    english.get(link(running, '/backups/runs/[^"]+'))
    assert "62.0%" not in english.get("/backups/?host=his1")
    clock.moment += timedelta(minutes=11)  # nobody has heard of it since
    assert 'id="running"' not in english.get("/backups/")


def test_a_run_between_two_steps_still_runs(english: Browser) -> None:
    console = store(english)
    with console.sessions.begin() as session:
        row = session.get(HostLatest, "pacs1")
        assert row is not None
        row.snapshot = {**row.snapshot, "progress": None}
    assert "Between two steps" in english.get("/backups/")


def test_a_paused_retention_names_the_snapshot_and_the_command_that_decides(browser: Browser) -> None:
    page = browser.get("/backups/repositories")
    assert "突然增大" in page
    assert "新增 148.2 GiB（平时 2.3 GiB，全部数据 412.0 GiB）" in page
    assert "xinglin backup decide --host pacs1 --reason" in page
    assert "等待决定" in page
    system = card(browser.get("/backups/"), "pacs1-pacs")
    assert "等待决定" in system
    assert "问题 2 项" in system  # that, and the restore that will be too slow
    assert 'href="/backups/repositories"' in browser.get("/")


def test_a_repository_tells_the_steps_of_its_last_round_with_their_times_and_causes(browser: Browser) -> None:
    page = browser.get("/backups/repositories")
    rounds = page.split('<ol class="steps">')[1:]
    assert len(rounds) == 6
    for text in ("检查结构", "1 分钟 57 秒", "释放", "1.4 GiB", "删除到期的备份"):
        assert text in rounds[0], text
    paused = next(one for one in rounds if "在有人作出决定之前" in one)
    assert "突然增大 c4c4c4c4：新增 148.2 GiB（平时 2.3 GiB，全部数据 412.0 GiB）" in paused


def test_further_copies_tell_their_disks_and_what_to_do(browser: Browser) -> None:
    assert "其他副本" not in browser.get("/backups/repositories")
    console = store(browser)
    state = CopyState(
        "appliance1", "his1", "usb", "disk", NOW, "xinglin-a", Outcome.WARNING, NOW,
        steps=(Step("copy", Outcome.SUCCESS, NOW, NOW, numbers={"snapshots_copied": 2.0}),),
        disks=(CopyDisk("xinglin-a", NOW), CopyDisk("xinglin-b")),
        cause=Cause("copy_disk_overdue", "usb", "xinglin-b: –"),
    )  # fmt: skip
    with console.sessions.begin() as session:
        ingest_backups(session, "appliance1", json.loads(json.dumps({"copies": [to_json(state)]})), NOW)
    page = browser.get("/backups/repositories")
    for text in ("其他副本", "移动磁盘", "xinglin-a", "从未见到", "请轮换磁盘", "复制缺少的内容"):
        assert text in page, text


def test_repositories_show_damage_and_a_full_disk_before_anything_else(english: Browser) -> None:
    with store(english).sessions.begin() as session:
        session.execute(update(RepositoryRow).where(RepositoryRow.host == "his1").values(broken_packs=["a" * 64]))
        session.execute(update(SpaceRow).values(days_until_full=2.0, ballast_bytes=0))
    page = english.get("/backups/repositories")
    assert "Damaged: 1" in page
    assert "2 days" in page
    assert "Reserve given up" in page
    assert page.count("meter is-crit") == 2
    assert "Critical" in card(english.get("/backups/"), "his1-his")


def test_refused_deletions_stay_on_the_page_as_evidence(english: Browser) -> None:
    page = english.get("/backups/repositories")
    assert "/desk1/keys/0f" in page
    assert "198.18.0.14" in page


def test_a_restore_tells_its_steps_with_their_times(english: Browser) -> None:
    page = english.get("/backups/restores")
    assert "Recovery key" in page
    assert "Drill" in page
    restore = english.get(link(page, '/backups/restores/20261116[^"]+'))
    for text in ("Rebuild: database his", "Offsite vault", "in the place of the live data", "2 min 3 s", "1 min 6 s"):
        assert text in restore
    for step in ("Fetch from the repository", "Restore the database", "Compare with the manifest"):
        assert step in restore
    bars = re.findall(r'<svg class="span is-ok".*?<rect x="([\d.]+)" width="([\d.]+)"', restore)
    assert len(bars) == 4
    assert [float(start) for start, _ in bars] == sorted(float(start) for start, _ in bars)


def test_a_restore_test_shows_what_was_asked_answered_and_how_fast(english: Browser) -> None:
    page = english.get("/backups/records?host=his1")
    proof = english.get(link(page, r"/backups/verifications/[^\"]+"))
    for text in ("rows:patients", "3182", "1.8 GiB", "/s", "Fetch from the repository"):
        assert text in proof


@pytest.mark.parametrize("path", ["/backups/restores/none", "/backups/verifications/none"])
def test_what_does_not_exist_is_not_found(browser: Browser, path: str) -> None:
    browser.get(path, status=404)


def test_a_curve_runs_from_left_to_right_and_up_with_its_values() -> None:
    assert curve([1.0, 2.0, 3.0]) == "0.0,22.0 50.0,12.0 100.0,2.0"
    assert curve([5.0, 5.0]) == "0.0,22.0 100.0,22.0"
    assert curve([5.0]) == ""


def test_the_calendar_ends_with_this_week(english: Browser) -> None:
    page = english.get("/backups/?host=his1")
    assert NOW.strftime("%Y-%m-%d") in night(page, "2026-11-23")
    assert "2026-10-26" in night(page, "2026-10-26")
