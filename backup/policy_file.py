"""Reads /etc/xinglin/backup.json; every mistake at once, each with its key and what is allowed.

The playbook renders the file from the facility; a policy here has the facility's own keys.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from backup.classify import redact
from backup.errors import BackupError
from backup.policy import Config, PathsSource, Policy, PostgresqlSource, Target

DEFAULT_PATH = Path("/etc/xinglin/backup.json")
T = TypeVar("T")


def load(path: Path = DEFAULT_PATH) -> Config:
    """Read the configuration; raises BackupError ``configuration_wrong`` whose detail lists every mistake."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BackupError("configuration_wrong", str(path), error.strerror or str(error)) from error
    except ValueError as error:
        raise BackupError("configuration_wrong", str(path), f"not JSON: {error}") from error
    reader = _Reader()
    config = reader.config(data)
    if reader.mistakes or config is None:
        raise BackupError("configuration_wrong", str(path), "; ".join(reader.mistakes))
    return config


def parse_keep_within(text: str) -> timedelta:
    """Parse restic's duration such as ``90d`` or ``1y6m``; raises ValueError."""
    found = re.fullmatch(r"(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)d)?(?:(\d+)h)?", text)
    if not found or not text:
        raise ValueError(text)
    years, months, days, hours = (int(part or 0) for part in found.groups())
    return timedelta(days=365 * years + 30 * months + days, hours=hours)


class _Reader:
    """Collects mistakes as ``key: what is wrong, what is allowed``; a method that noted one may return rubbish."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def mapping(self, data: object, where: str, required: set[str], optional: set[str]) -> Mapping[str, Any] | None:
        if not isinstance(data, dict):
            self.mistakes.append(f"{where}: an object with the keys {', '.join(sorted(required))} is needed")
            return None
        for key in sorted(required - set(data)):
            self.mistakes.append(f"{where}.{key}: missing")
        for key in sorted(set(data) - required - optional):
            self.mistakes.append(f"{where}.{key}: unknown; allowed: {', '.join(sorted(required | optional))}")
        return None if required - set(data) else data

    def value(self, data: Mapping[str, Any], key: str, where: str, parse: Callable[[Any], T], allowed: str) -> T:
        try:
            return parse(data[key])
        except (ValueError, TypeError, KeyError, OSError):
            shown = redact(json.dumps(data.get(key), ensure_ascii=False))
            self.mistakes.append(f"{where}.{key}: {shown}; allowed: {allowed}")
            return cast("T", None)

    def config(self, data: object) -> Config | None:
        required = {"host", "policies", "local", "repository_password_file", "ca", "timezone"}
        required |= {"state_directory", "cache_directory", "offsite"}
        found = self.mapping(data, "backup", required, set())
        if found is None:
            return None
        policies = self.value(found, "policies", "backup", _list, "a list with at least one policy") or []
        names = [item.get("name") for item in policies if isinstance(item, dict)]
        if len(set(map(str, names))) != len(names):
            self.mistakes.append("backup.policies: two policies have the same name")
        path = "an absolute path"
        return Config(
            host=self.value(found, "host", "backup", _name, "a host name"),
            policies=tuple(
                policy for n, item in enumerate(policies) if (policy := self.policy(item, f"backup.policies[{n}]"))
            ),
            local=self.target(found["local"], "backup.local") or Target("", "", Path()),
            offsite=None if found["offsite"] is None else self.target(found["offsite"], "backup.offsite"),
            repository_password_file=self.value(found, "repository_password_file", "backup", _path, path),
            ca=self.value(found, "ca", "backup", _path, path),
            state_directory=self.value(found, "state_directory", "backup", _path, path),
            cache_directory=self.value(found, "cache_directory", "backup", _path, path),
            timezone=self.value(found, "timezone", "backup", _zone, "an IANA time zone such as Asia/Shanghai"),
        )

    def target(self, data: object, where: str) -> Target | None:
        found = self.mapping(data, where, {"url", "user", "password_file"}, set())
        if found is None:
            return None
        return Target(
            url=self.value(found, "url", where, _url, "rest:https://HOST:PORT/NAME/ without credentials"),
            user=self.value(found, "user", where, _name, "a name"),
            password_file=self.value(found, "password_file", where, _path, "an absolute path"),
        )

    def policy(self, data: object, where: str) -> Policy | None:
        required = {"name", "schedule", "sources", "rpo_hours", "rto_hours"}
        found = self.mapping(data, where, required, {"hosts", "retention"})
        if found is None:
            return None
        sources = self.value(found, "sources", where, _list, "a list with at least one source") or []
        retention = self.mapping(found.get("retention", {}), f"{where}.retention", set(), {"keep_within"}) or {}
        keep = {"keep_within": "90d"} | dict(retention)
        return Policy(
            name=self.value(found, "name", where, _name, "letters, digits, - and _"),
            schedule=self.value(found, "schedule", where, _time_of_day, 'a time of day such as "02:00"'),
            sources=tuple(
                source for n, item in enumerate(sources) if (source := self.source(item, f"{where}.sources[{n}]"))
            ),
            rpo_hours=self.value(found, "rpo_hours", where, _positive, "a number of hours above 0"),
            rto_hours=self.value(found, "rto_hours", where, _positive, "a number of hours above 0"),
            keep_within=self.value(
                keep, "keep_within", f"{where}.retention", parse_keep_within, "a duration such as 90d"
            ),
        )

    def source(self, data: object, where: str) -> PostgresqlSource | PathsSource | None:
        if isinstance(data, dict) and "postgresql" in data:
            inner = self.mapping(data["postgresql"], f"{where}.postgresql", {"database"}, {"socket_directory", "port"})
            if inner is None or self.mapping(data, where, {"postgresql"}, set()) is None:
                return None
            full = {"socket_directory": "/var/run/postgresql", "port": 5432} | dict(inner)
            here = f"{where}.postgresql"
            return PostgresqlSource(
                database=self.value(full, "database", here, _name, "a database name"),
                socket_directory=self.value(full, "socket_directory", here, _path, "an absolute path"),
                port=self.value(full, "port", here, int, "a port number"),
            )
        found = self.mapping(data, where, {"paths"}, {"excludes"})
        if found is None:
            return None
        full = {"excludes": []} | dict(found)
        absolute = "a list of absolute paths"
        return PathsSource(
            paths=self.value(full, "paths", where, lambda items: tuple(_path(item) for item in _list(items)), absolute),
            excludes=self.value(full, "excludes", where, lambda items: tuple(map(str, items)), "a list of patterns"),
        )


def _list(value: object) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ValueError(value)
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", value):
        raise ValueError(value)
    return value


def _path(value: object) -> Path:
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError(value)
    return Path(value)


def _url(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"rest:https://[^/@\s]+/[^/@\s]+/", value):
        raise ValueError(value)
    return value


def _time_of_day(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError(value)
    return value


def _positive(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(value)
    return float(value)


def _zone(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)*", value):
        raise ValueError(value)
    return value
