"""`xinglin status` in one screen, from an answer as the contract has it."""

from pathlib import Path
from typing import Any

import pytest

from playbooks.login import Target
from playbooks.status import StatusError, fetch, screen

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
ANSWER: dict[str, Any] = {
    "schema": 1,
    "facility": {"id": "qinghe", "name_zh": "清河镇卫生院", "name_en": "Qinghe Township Health Centre"},
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
            "last_restore_test": "2026-11-22T18:01:00Z",
            "last_verdict": "passed",
            "rpo_seconds": 5400,
            "rto_seconds": 42.0,
        },
        {
            "host": "appliance1",
            "policy": "appliance",
            "last_success": None,
            "last_outcome": None,
            "last_restore_test": None,
            "last_verdict": None,
            "rpo_seconds": None,
            "rto_seconds": None,
        },
    ],
    "problems": [PROBLEM],
    "compliance": {},
    "console": {"url": "https://198.18.0.10:8443", "accounts": 1},
}


def test_the_screen_names_hosts_backups_problems_and_the_console():
    text = screen(ANSWER, "en")
    assert text.startswith("Qinghe Township Health Centre   2026-11-23T02:29:17Z")
    assert "✖ his1         crit     last seen 2026-11-23T02:29:13Z   agent 0.1.0" in text
    assert "○ vault1       late     last seen never   agent -" in text
    assert "his1/his: last success 2026-11-22T18:00:05Z (success), restore test passed" in text
    assert "RPO 1.5 h, RTO 0.7 min" in text
    assert "appliance1/appliance: last success never (no run), restore test not proved yet" in text
    assert "✖ his1/his: The backup failed" in text
    assert "→ Run: xinglin backup run" in text
    assert "https://198.18.0.10:8443 (1 accounts)" in text


def test_the_facility_s_language_is_used_for_names_and_problems():
    text = screen(ANSWER, "zh_CN")
    assert text.startswith("清河镇卫生院")
    assert "备份失败" in text
    assert "→ 运行：xinglin backup run" in text
    assert "no open problem" in screen({**ANSWER, "problems": []}, "zh_CN")


def test_an_appliance_that_is_down_or_unknown_is_named_with_the_next_step(tmp_path: Path):
    appliance = Target("appliance1", "127.0.0.1", 1, "xinglin-ops", tmp_path / "key", tmp_path / "known_hosts")
    with pytest.raises(StatusError, match=r"not taken over yet\. Next: xinglin provision"):
        fetch(appliance)
    appliance.known_hosts.write_text("[127.0.0.1]:1 ssh-ed25519 AAAA\n")
    with pytest.raises(StatusError, match=r"appliance1 \(127\.0\.0\.1\): no SSH connection.*Next: see that"):
        fetch(appliance)
