"""Reads /etc/xinglin/backup.json; every mistake at once, each with its key and what is allowed.

The playbook renders the file from the facility; a policy here has the facility's own keys.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from backup.config.policy import Config, Hooks, Policy, Retention, Target
from backup.config.reader import (
    Reader,
    a_list,
    a_name,
    a_path,
    a_positive_number,
    a_time_of_day,
    a_url,
    a_zone,
    read_file,
)
from backup.point_in_time.base import with_bases
from backup.repositories.restic import Limits
from backup.sources import registry

DEFAULT_PATH = Path("/etc/xinglin/backup.json")
RETENTION = {
    "keep_within": "within",
    "keep_within_hourly": "hourly",
    "keep_within_daily": "daily",
    "keep_within_weekly": "weekly",
    "keep_within_monthly": "monthly",
    "keep_within_yearly": "yearly",
}


def load(path: Path = DEFAULT_PATH) -> Config:
    """Read the configuration; raises BackupError ``configuration_wrong`` whose detail lists every mistake."""
    reader = _ConfigReader()
    return read_file(path, reader, reader.config)


def parse_duration(text: str) -> timedelta:
    """Parse restic's duration such as ``90d`` or ``1y6m``; raises ValueError."""
    found = re.fullmatch(r"(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)d)?(?:(\d+)h)?", text)
    if not found or not text:
        raise ValueError(text)
    years, months, days, hours = (int(part or 0) for part in found.groups())
    return timedelta(days=365 * years + 30 * months + days, hours=hours)


def parse_retention(data: Mapping[str, str]) -> Retention:
    """Parse ``{keep_within: 30d, keep_within_monthly: 1y, …}``; raises ValueError, KeyError or TypeError."""
    return Retention(**{RETENTION[key]: parse_duration(text) for key, text in data.items()})


class _ConfigReader(Reader):
    """Reads the whole file; a method that noted a mistake may return rubbish."""

    def config(self, data: object) -> Config | None:
        required = {"host", "policies", "local", "repository_password_file", "ca", "timezone"}
        required |= {"state_directory", "cache_directory", "offsite"}
        found = self.mapping(data, "backup", required, set())
        if found is None:
            return None
        policies = self.value(found, "policies", "backup", a_list, "a list with at least one policy") or []
        names = [item.get("name") for item in policies if isinstance(item, dict)]
        if len(set(map(str, names))) != len(names):
            self.mistakes.append("backup.policies: two policies have the same name")
        path = "an absolute path"
        return Config(
            host=self.value(found, "host", "backup", a_name, "a host name"),
            policies=tuple(
                policy for n, item in enumerate(policies) if (policy := self.policy(item, f"backup.policies[{n}]"))
            ),
            local=self.target(found["local"], "backup.local") or Target("", "", Path()),
            offsite=None if found["offsite"] is None else self.target(found["offsite"], "backup.offsite"),
            repository_password_file=self.value(found, "repository_password_file", "backup", a_path, path),
            ca=self.value(found, "ca", "backup", a_path, path),
            state_directory=self.value(found, "state_directory", "backup", a_path, path),
            cache_directory=self.value(found, "cache_directory", "backup", a_path, path),
            timezone=self.value(found, "timezone", "backup", a_zone, "an IANA time zone such as Asia/Shanghai"),
        )

    def target(self, data: object, where: str) -> Target | None:
        found = self.mapping(data, where, {"url", "user", "password_file"}, set())
        if found is None:
            return None
        return Target(
            url=self.value(found, "url", where, a_url, "rest:https://HOST:PORT/NAME/ without credentials"),
            user=self.value(found, "user", where, a_name, "a name"),
            password_file=self.value(found, "password_file", where, a_path, "an absolute path"),
        )

    def policy(self, data: object, where: str) -> Policy | None:
        required = {"name", "schedule", "sources", "rpo_hours", "rto_hours", "retention"}
        found = self.mapping(data, where, required, {"hosts", "also_at", "order", "hooks", "limits"})
        if found is None:
            return None
        sources = self.value(found, "sources", where, a_list, "a list with at least one source") or []
        full = {"also_at": [], "order": 100} | dict(found)
        return Policy(
            name=self.value(found, "name", where, a_name, "letters, digits, - and _"),
            schedule=self.value(found, "schedule", where, a_time_of_day, 'a time of day such as "02:00"'),
            sources=with_bases(registry.read_all(self, sources, f"{where}.sources")),
            rpo_hours=self.value(found, "rpo_hours", where, a_positive_number, "a number of hours above 0"),
            rto_hours=self.value(found, "rto_hours", where, a_positive_number, "a number of hours above 0"),
            retention=self.value(found, "retention", where, parse_retention, "durations, such as keep_within: 90d"),
            also_at=self.value(full, "also_at", where, lambda times: tuple(map(a_time_of_day, times)), "times of day"),
            order=self.value(full, "order", where, int, "a whole number"),
            hooks=self.hooks(found.get("hooks") or {}, f"{where}.hooks"),
            limits=self.limits(found.get("limits") or {}, f"{where}.limits"),
        )

    def hooks(self, data: object, where: str) -> Hooks:
        found = self.mapping(data, where, set(), {"before", "after", "timeout_seconds"})
        full = {"before": [], "after": [], "timeout_seconds": 600} | dict(found or {})
        programs = "a list of programs, each a list of its words, the first an absolute path"
        return Hooks(
            before=self.value(full, "before", where, _programs, programs),
            after=self.value(full, "after", where, _programs, programs),
            timeout_seconds=self.value(full, "timeout_seconds", where, a_positive_number, "seconds above 0"),
        )

    def limits(self, data: object, where: str) -> Limits:
        known = {"upload_kib_per_second", "download_kib_per_second", "cpus"}
        found = self.mapping(data, where, set(), known) or {}
        numbers = {key: self.value(found, key, where, a_positive_number, "a number above 0") for key in found}
        return Limits(**{key: int(number or 0) for key, number in numbers.items()})


def _programs(value: Any) -> tuple[tuple[str, ...], ...]:  # noqa: ANN401 - whatever JSON holds
    programs = tuple(tuple(map(str, words)) for words in value)
    if not all(words and words[0].startswith("/") for words in programs):
        raise ValueError(value)
    return programs
