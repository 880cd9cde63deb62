"""What `xinglin status` prints: the console's answer as aligned text, in the facility's language and time."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

MARKS = {"ok": "●", "warn": "▲", "crit": "✖", "late": "○", "maint": "◇", "unknown": "?"}
STANDINGS = {"proved": "●", "overdue": "▲", "error": "▲", "skipped": "▲", "never": "?", "failed": "✖"}
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
DAYS_CRIT, DAYS_WARN = 3, 14  # as the console has it
CHINESE = {
    "ok": "正常",
    "warn": "警告",
    "crit": "严重",
    "late": "迟到",
    "maint": "维护中",
    "unknown": "未知",
    "last report": "最近上报",
    "agent": "代理",
    "never": "从未",
    "Backups": "备份",
    "last good": "最近成功",
    "proved, local": "本地恢复验证",
    "proved, vault": "异地恢复验证",
    "at risk / RPO": "风险数据 / RPO",
    "restore / RTO": "恢复用时 / RTO",
    "any point until": "可任意时刻恢复至",
    "proved": "",
    "overdue": "已过期",
    "error": "无结论",
    "skipped": "无可验证",
    "failed": "不可恢复",
    "all": "全部",
    "Repositories": "仓库",
    "local": "本地",
    "offsite": "异地",
    "newest backup": "最新备份",
    "all read since": "全部读检自",
    "size": "大小",
    "state": "状态",
    "whole": "完好",
    "damaged packs": "损坏数据包",
    "waiting for a copy": "等待补回",
    "clean-up paused since": "清理已暂停，自",
    "last round failed": "最近维护失败",
    "last round with warnings": "最近维护有警告",
    "last round interrupted": "最近维护中断",
    "Space": "空间",
    "free": "可用",
    "of": "总量",
    "days until full": "预计写满（天）",
    "reserve given up": "预留已释放",
    "since": "自",
    "UPS": "UPS",
    "charge": "电量",
    "lasts": "可供电",
    "load": "负载",
    "Incidents": "未关闭事件",
    "acknowledged by": "已确认：",
    "no open problem": "没有未解决的问题",
    "console": "管理台",
    "accounts": "账号",
}
Words = Callable[[str], str]
When = Callable[[str | None], str]


def screen(answer: Mapping[str, Any], locale: str) -> str:
    """Return the answer as text, in ``zh_CN`` or ``en``, with the facility's times of day."""
    facility = answer["facility"]
    is_chinese = locale == "zh_CN"
    zone = ZoneInfo(facility.get("timezone", "UTC"))

    def say(word: str) -> str:
        return CHINESE[word] if is_chinese else "" if word == "proved" else word

    def when(text: str | None) -> str:
        return say("never") if text is None else f"{datetime.fromisoformat(text).astimezone(zone):%m-%d %H:%M}"

    name = facility.get("name_zh" if is_chinese else "name_en", facility.get("id"))
    now = datetime.fromisoformat(answer["generated_at"])
    lines = [f"{name}   {now.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}", ""]
    lines += _table(_host(host, say, when) for host in answer["hosts"])
    walled = {wal["host"]: min(wal["stored_until"].values(), default=None) for wal in answer.get("wal", ())}
    heads = ["last good", "proved, local", "proved, vault", "at risk / RPO", "restore / RTO"]
    titles = ("Backups", *heads, *(["any point until"] if walled else []))
    lines += _titled(titles, [_backup(one, now, walled, say, when) for one in answer["backups"]], say)
    titles = ("Repositories", "", "newest backup", "all read since", "size", "state")
    lines += _titled(titles, [_repository(one, say, when) for one in answer.get("repositories", ())], say)
    titles = ("Space", "free", "of", "days until full", "")
    lines += _titled(titles, [_space(one, say) for one in answer.get("space", ())], say)
    language = "_zh" if is_chinese else ""
    titles = ("UPS", "", "charge", "lasts", "load", "")
    lines += _titled(titles, [_ups(one, language, say, when) for one in answer.get("ups", ())], say)
    titles = ("Incidents", "since", "")
    lines += _titled(titles, [_incident(one, language, say, when) for one in answer.get("incidents", ())], say)
    lines += ["", *(_problem(problem, language, f"{say('since')} {when(problem['since'])}" if problem["since"] else "")
                    for problem in answer["problems"])]  # fmt: skip
    if not answer["problems"]:
        lines.append(f"  {say('no open problem')}")
    console = answer["console"]
    lines += ["", f"  {say('console')} {console['url']} ({say('accounts')}: {console['accounts']})"]
    return "\n".join(lines)


def _titled(titles: Sequence[str], rows: Sequence[Sequence[str]], say: Words) -> list[str]:
    if not rows:
        return []
    return ["", *_table([[say(title) if title else "" for title in titles], *rows])]


def _table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the rows with their columns below each other; a Chinese character is two columns wide."""
    found = [[cell or "" for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*found, strict=True)]
    lines = []
    for row in found:
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return lines


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _host(host: Mapping[str, Any], say: Words, when: When) -> list[str]:
    report, agent = f"{say('last report')} {when(host['last_seen'])}", f"{say('agent')} {host['agent_version'] or '–'}"
    return [f"{MARKS.get(host['state'], '?')} {host['name']}", say(host["state"]), report, agent]


def _backup(
    backup: Mapping[str, Any], now: datetime, walled: Mapping[str, str | None], say: Words, when: When
) -> list[str]:
    last = backup["last_success"]
    risk = None if last is None else (now - datetime.fromisoformat(last)).total_seconds()
    outcome = backup["last_outcome"]
    mark = MARKS[{"success": "ok", "warning": "warn", None: "unknown"}.get(outcome, "crit")]
    proofs = backup.get("proofs", {})
    here = proofs.get("local", {})
    restore = _duration(here.get("rto_seconds"))
    forecast = here.get("rto_forecast_seconds")
    if forecast is not None and _duration(forecast) != restore:
        restore += f" ({say('all')} {_duration(forecast)})"
    return [
        f"{mark} {backup['host']}/{backup['policy']}",
        when(last),
        _proof(here, say, when),
        _proof(proofs["offsite"], say, when) if "offsite" in proofs else "–",
        f"{_duration(risk)} / {_duration(backup.get('rpo_target_seconds'))}",
        f"{restore} / {_duration(backup.get('rto_target_seconds'))}",
        *([when(walled[backup["host"]]) if backup["host"] in walled else "–"] if walled else []),
    ]


def _proof(proof: Mapping[str, Any], say: Words, when: When) -> str:
    """Return when a restore was last proved, and what is wrong with the proof now."""
    standing, last = proof.get("standing", "never"), proof.get("last_proved")
    if standing == "never":
        return f"{STANDINGS['never']} {say('never')}"
    return " ".join(word for word in (STANDINGS.get(standing, "?"), when(last), say(standing)) if word)


def _repository(one: Mapping[str, Any], say: Words, when: When) -> list[str]:
    crit = [f"{say('damaged packs')}: {one['broken_packs']}"] if one["broken_packs"] else []
    crit += [say("last round failed")] if one["outcome"] == "failed" and not crit else []
    warn = [f"{say('waiting for a copy')}: {one['set_aside']}"] if one["set_aside"] else []
    warn += [f"{say('clean-up paused since')} {when(one['paused_since'])}"] if one["paused_since"] else []
    rounds = {"warning": "last round with warnings", "interrupted": "last round interrupted"}
    warn += [say(rounds[one["outcome"]])] if one["outcome"] in rounds and not (crit or warn) else []
    state = "crit" if crit else "warn" if warn else "ok"
    return [
        f"{MARKS[state]} {one['host']}",
        f"{say(one['kind'])} {one['server']}",
        when(one["newest_set"]),
        when(one["read_through"]),
        _size(one["size_bytes"]),
        ", ".join(crit + warn) or say("whole"),
    ]


def _space(space: Mapping[str, Any], say: Words) -> list[str]:
    days = space["days_until_full"]
    lost = space["ballast_bytes"] == 0
    short = days is not None and days < DAYS_WARN
    state = "crit" if lost or (days is not None and days < DAYS_CRIT) else "warn" if short else "ok"
    return [
        f"{MARKS[state]} {space['server']}",
        _size(space["free_bytes"]),
        _size(space["total_bytes"]),
        "–" if days is None else f"{max(0.0, days):.0f}",
        say("reserve given up") if lost else "",
    ]


def _ups(ups: Mapping[str, Any], language: str, say: Words, when: When) -> list[str]:
    charge, load = (None if ups[key] is None else f"{ups[key]:.0%}" for key in ("charge_ratio", "load_ratio"))
    since = f"{say('since')} {when(ups['since'])}" if ups["since"] and ups["state"] != "ok" else ""
    name, lasts = ups["name_zh"] if language else ups["name"], _duration(ups["runtime_seconds"])
    return [f"{MARKS[ups['state']]} {name}", ups[f"condition{language}"], charge or "–", lasts, load or "–", since]


def _incident(incident: Mapping[str, Any], language: str, say: Words, when: When) -> list[str]:
    person = incident["acknowledged_by"]
    head = f"{MARKS[incident['severity']]} {incident[f'title{language}']}"
    return [head, when(incident["opened_at"]), f"{say('acknowledged by')} {person}" if person else ""]


def _size(count: float) -> str:
    amount = float(count)
    for unit in UNITS[:-1]:
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} {UNITS[-1]}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    days, hours = 86400, 3600
    unit, length = ("d", days) if seconds >= 2 * days else ("h", hours) if seconds >= hours else ("min", 60)
    return f"{seconds / length:.1f}".removesuffix(".0") + f" {unit}"


def _problem(problem: Mapping[str, Any], language: str, since: str) -> str:
    title, meaning, step = (problem[f"{key}{language}"] for key in ("title", "meaning", "next_step"))
    head = f"  {MARKS[problem['severity']]} {problem['object']}: {title}" + (f" ({since})" if since else "")
    return f"{head}\n      {meaning}\n      → {step}"
