"""`xinglin status` in one screen, from an answer as the contract has it."""

import re
from pathlib import Path
from typing import Any

import pytest

from playbooks.login import Target
from playbooks.screen import screen
from playbooks.status import StatusError, fetch

PROBLEM = {
    "severity": "crit",
    "object": "his1/his",
    "since": "2026-11-23T02:00:00Z",
    "title": "The backup failed",
    "title_zh": "备份失败",
    "meaning": "New data is only on this host.",
    "meaning_zh": "新数据只在本机。",
    "next_step": "Run: xinglin backup run",
    "next_step_zh": "运行：xinglin backup run",
}
WHOLE: dict[str, Any] = {
    "host": "his1",
    "server": "appliance1",
    "kind": "local",
    "outcome": "success",
    "newest_set": "2026-11-22T18:00:05Z",
    "read_through": "2026-10-26T21:30:00Z",
    "size_bytes": 11.6 * 1024**3,
    "broken_packs": 0,
    "set_aside": 0,
    "paused_since": None,
}
TROUBLED = {
    **WHOLE,
    "server": "vault1",
    "kind": "offsite",
    "outcome": "failed",
    "read_through": None,
    "size_bytes": 2048,
    "broken_packs": 2,
    "set_aside": 3,
    "paused_since": "2026-11-22T21:30:00Z",
}
ANSWER: dict[str, Any] = {
    "schema": 1,
    "facility": {
        "id": "qinghe",
        "name_zh": "清河镇卫生院",
        "name_en": "Qinghe Township Health Centre",
        "timezone": "Asia/Shanghai",
    },
    "generated_at": "2026-11-23T02:29:17Z",
    "hosts": [
        {"name": "his1", "state": "crit", "since": None, "last_seen": "2026-11-23T02:29:13Z", "agent_version": "0.1.0"},
        {"name": "vault1", "state": "late", "since": None, "last_seen": None, "agent_version": None},
    ],
    "backups": [
        {
            "host": "his1",
            "policy": "his",
            "last_success": "2026-11-22T18:00:05Z",
            "last_outcome": "success",
            "proofs": {
                "local": {
                    "standing": "proved",
                    "last_proved": "2026-11-22T18:02:00Z",
                    "rto_seconds": 42.0,
                    "rto_forecast_seconds": 90.0,
                },
                "offsite": {"standing": "overdue", "last_proved": "2026-11-17T18:30:00Z"},
            },
            "rpo_target_seconds": 86400,
            "rto_target_seconds": 14400,
        },
        {
            "host": "appliance1",
            "policy": "appliance",
            "last_success": None,
            "last_outcome": None,
            "proofs": {"local": {"standing": "never", "last_proved": None, "rto_seconds": None}},
            "rpo_target_seconds": 86400,
            "rto_target_seconds": 14400,
        },
    ],
    "repositories": [WHOLE, TROUBLED],
    "wal": [{"host": "his1", "stored_until": {"5432": "2026-11-23T02:15:00.000Z"}}],
    "space": [
        {
            "server": "appliance1",
            "free_bytes": 5 << 30,
            "total_bytes": 900 << 30,
            "ballast_bytes": 1,
            "days_until_full": 9.4,
        },
        {
            "server": "vault1",
            "free_bytes": 5 << 30,
            "total_bytes": 900 << 30,
            "ballast_bytes": 0,
            "days_until_full": None,
        },
    ],
    "ups": [
        {
            "name": "rack-ups",
            "name_zh": "机柜电源",
            "state": "crit",
            "condition": "On battery",
            "condition_zh": "电池供电",
            "since": "2026-11-23T02:20:00Z",
            "charge_ratio": 0.81,
            "runtime_seconds": 1260.0,
            "load_ratio": 0.25,
        }
    ],
    "incidents": [
        {
            "severity": "crit",
            "title": "The mains is away",
            "title_zh": "市电中断",
            "opened_at": "2026-11-23T02:20:01Z",
            "acknowledged_by": "wang",
        }
    ],
    "problems": [PROBLEM],
    "compliance": {},
    "console": {"url": "https://198.18.0.10:8443", "accounts": 1},
}


def squeezed(text: str) -> str:
    """Return the text with one space where columns are apart."""
    return re.sub(" {2,}", " ", text)


def test_the_screen_names_hosts_backups_problems_and_the_console():
    text = squeezed(screen(ANSWER, "en"))
    assert text.startswith("Qinghe Township Health Centre 2026-11-23 10:29 Asia/Shanghai")
    assert " ✖ his1 crit last report 11-23 10:29 agent 0.1.0\n" in text
    assert " ○ vault1 late last report never agent –\n" in text
    assert "● his1/his 11-23 02:00 ● 11-23 02:02 ▲ 11-18 02:30 overdue 8.5 h / 24 h" in text
    assert "0.7 min (all 1.5 min) / 4 h 11-23 10:15" in text
    assert "? appliance1/appliance never ? never – – / 24 h" in text
    assert "✖ his1/his: The backup failed (since 11-23 10:00)" in text
    assert "→ Run: xinglin backup run" in text
    assert "https://198.18.0.10:8443 (accounts: 1)" in text


def test_repositories_and_space_are_told_with_what_is_wrong_with_them():
    text = squeezed(screen(ANSWER, "en"))
    assert "● his1 local appliance1 11-23 02:00 10-27 05:30 11.6 GiB whole\n" in text
    assert "✖ his1 offsite vault1 11-23 02:00 never 2.0 KiB damaged packs: 2, waiting" in text
    assert "clean-up paused since 11-23 05:30" in text
    assert "▲ appliance1 5.0 GiB 900.0 GiB 9\n" in text
    assert "✖ vault1 5.0 GiB 900.0 GiB – reserve given up\n" in text


def test_a_power_cut_is_told_with_what_the_battery_leaves_and_who_has_taken_it():
    text = squeezed(screen(ANSWER, "en"))
    assert "✖ rack-ups On battery 81% 21 min 25% since 11-23 10:20\n" in text
    assert "✖ The mains is away 11-23 10:20 acknowledged by wang\n" in text
    assert "✖ 市电中断 11-23 10:20 已确认： wang" in squeezed(screen(ANSWER, "zh_CN"))


def test_the_facility_s_language_is_used_for_everything():
    text = screen(ANSWER, "zh_CN")
    assert text.startswith("清河镇卫生院")
    assert "备份失败" in text
    assert "→ 运行：xinglin backup run" in text
    assert "没有未解决的问题" in screen({**ANSWER, "problems": []}, "zh_CN")
    words = set(re.findall(r"[A-Za-z]{3,}", text)) - {"RPO", "RTO", "UPS", "wang"}
    assert words <= {"Asia", "Shanghai", "his", "vault", "appliance", "GiB", "KiB", "min", "https", "xinglin", "backup",
                     "run"}  # fmt: skip


@pytest.mark.parametrize("locale", ["zh_CN", "en"])
def test_columns_stay_below_each_other_though_a_chinese_character_is_two_wide(locale: str):
    lines = screen(ANSWER, locale).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(("  Backups", "  备份")))
    second_columns = []
    for line in lines[start : start + 3]:
        gap = re.search(r"\S  +(?=\S)", line)
        assert gap is not None
        second_columns.append(sum(2 if ord(letter) > 0x2E80 else 1 for letter in line[: gap.end()]))
    assert len(set(second_columns)) == 1


def test_an_answer_of_an_older_console_is_shown_as_far_as_it_goes():
    older = {
        key: value for key, value in ANSWER.items() if key not in {"repositories", "space", "wal", "ups", "incidents"}
    }
    older["backups"] = [{key: value for key, value in one.items() if key != "proofs"} for one in ANSWER["backups"]]
    text = squeezed(screen(older, "en"))
    assert "● his1/his 11-23 02:00 ? never" in text
    assert "Repositories" not in text


def test_an_appliance_that_is_down_or_unknown_is_named_with_the_next_step(tmp_path: Path):
    appliance = Target("appliance1", "127.0.0.1", 1, "xinglin-ops", tmp_path / "key", tmp_path / "known_hosts")
    with pytest.raises(StatusError, match=r"not taken over yet\. Next: xinglin provision"):
        fetch(appliance)
    appliance.known_hosts.write_text("[127.0.0.1]:1 ssh-ed25519 AAAA\n")
    with pytest.raises(StatusError, match=r"appliance1 \(127\.0\.0\.1\): no SSH connection.*Next: see that"):
        fetch(appliance)
