"""Further copies as keeper.json has them: removable disks that take turns, a partner's SFTP server, an S3 bucket."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from backup.config.policy import Retention
from backup.config.policy_file import parse_retention
from backup.config.reader import Reader, a_name, a_path

KINDS = ("disks", "sftp", "s3")


@dataclass(frozen=True)
class Disks:
    """Disks by their labels, and where each is mounted as soon as somebody looks there."""

    kind: ClassVar[str] = "disk"
    places: Mapping[str, Path]


@dataclass(frozen=True)
class Sftp:
    """A directory on an SSH server that is known by its host key."""

    kind: ClassVar[str] = "sftp"
    host: str
    port: int
    user: str
    path: str
    key_file: Path
    known_hosts_file: Path


@dataclass(frozen=True)
class S3:
    """A bucket; the secret is in a file of its own."""

    kind: ClassVar[str] = "s3"
    url: str
    bucket: str
    key_id: str
    secret_file: Path


Where = Disks | Sftp | S3


@dataclass(frozen=True)
class Copy:
    """One further copy of every repository here: where it is, and how long sets stay in it."""

    name: str
    retention: Retention
    where: Where


def read_copies(reader: Reader, data: object) -> tuple[Copy, ...]:
    """Read the list ``copies``; a mistake is noted with the reader."""
    if not isinstance(data, list):
        reader.mistakes.append("keeper.copies: a list is needed, [] for none")
        return ()
    found = (_copy(reader, item, f"keeper.copies[{number}]") for number, item in enumerate(data))
    return tuple(copy for copy in found if copy)


def _copy(reader: Reader, data: object, where: str) -> Copy | None:
    found = reader.mapping(data, where, {"name", "retention"}, set(KINDS))
    if found is None:
        return None
    kinds = [kind for kind in KINDS if kind in found]
    if len(kinds) != 1:
        reader.mistakes.append(f"{where}: exactly one of {', '.join(KINDS)} is needed")
        return None
    target = {"disks": _disks, "sftp": _sftp, "s3": _s3}[kinds[0]](reader, found[kinds[0]], f"{where}.{kinds[0]}")
    return (
        None
        if target is None
        else Copy(
            name=reader.value(found, "name", where, a_name, "a name"),
            retention=reader.value(found, "retention", where, parse_retention, "durations, such as keep_within: 90d"),
            where=target,
        )
    )


def _disks(reader: Reader, data: object, where: str) -> Where | None:
    if not isinstance(data, dict) or not data:
        reader.mistakes.append(f"{where}: an object with a place for each label is needed")
        return None
    return Disks({str(label): reader.value(data, label, where, a_path, "an absolute path") for label in data})


def _sftp(reader: Reader, data: object, where: str) -> Where | None:
    keys = {"host", "port", "user", "path", "key_file", "known_hosts_file"}
    found = reader.mapping(data, where, keys, set())
    if found is None:
        return None
    path = "an absolute path without spaces"
    return Sftp(
        host=reader.value(found, "host", where, a_name, "a name or an IPv4 address"),
        port=reader.value(found, "port", where, _a_port, "a TCP port"),
        user=reader.value(found, "user", where, a_name, "a name"),
        path=reader.value(found, "path", where, _a_plain_path, "a path without spaces"),
        key_file=reader.value(found, "key_file", where, a_path, path),
        known_hosts_file=reader.value(found, "known_hosts_file", where, a_path, path),
    )


def _s3(reader: Reader, data: object, where: str) -> Where | None:
    found = reader.mapping(data, where, {"url", "bucket", "key_id", "secret_file"}, set())
    if found is None:
        return None
    return S3(
        url=reader.value(found, "url", where, _an_http_url, "https://HOST[:PORT]"),
        bucket=reader.value(found, "bucket", where, _a_plain_path, "a bucket's name, with a prefix as BUCKET/PREFIX"),
        key_id=reader.value(found, "key_id", where, _a_plain_path, "the id of the access key"),
        secret_file=reader.value(found, "secret_file", where, a_path, "an absolute path"),
    )


def _a_port(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise ValueError(value)
    return value


def _a_plain_path(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[^\s'\"\\]+", value):
        raise ValueError(value)
    return value.rstrip("/")


def _an_http_url(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^/@\s]+/?", value):
        raise ValueError(value)
    return value.rstrip("/")
