"""The browse service: answers one connection from the repositories on disk.  It reads, and never writes.

The console runs without rights to the backups; this process has them, but does three things only.  systemd starts
one for each connection (``xinglin-browse.socket``, ``Accept=yes``) and limits how many there are.
"""

import itertools
import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backup.browse.protocol import (
    CHUNK_BYTES,
    ENTRIES,
    REQUEST_BYTES,
    SNAPSHOTS,
    Ask,
    Entry,
    Listed,
    Request,
    answer,
    entry_to_json,
    failure,
    listed_to_json,
    parse_request,
    refused,
)
from backup.browse.restic import Running, Source, running
from backup.errors import BackupError
from backup.status import parse_time

logger = logging.getLogger(__name__)
REQUEST_SECONDS = 10
ANSWER_SECONDS = 60
DOWNLOAD_SECONDS = 4 * 3600
STALL_SECONDS = 300
"""How long a client may take no data before it counts as gone."""
LINE_BYTES = 1024 * 1024
SNAPSHOTS_BYTES = 64 * 1024 * 1024


def serve(client: socket.socket, directory: Path, password_file: Path) -> None:
    """Answer the one request of ``client`` from the repositories below ``directory``.  Never raises BackupError."""
    try:
        try:
            request = _receive(client)
            source = _source(request.host, directory, password_file)
            client.settimeout(STALL_SECONDS)
            if request.ask is Ask.FILE:
                _send_file(client, source, request)
            elif request.ask is Ask.LIST:
                client.sendall(_list(client, source, request))
            elif request.ask is Ask.ENTRY:
                client.sendall(answer(entry=entry_to_json(_entry(client, source, request))))
            else:
                client.sendall(_snapshots(client, source))
        except BackupError as error:
            logger.warning("%s", error)
            client.sendall(failure(error.cause))
    except OSError as error:
        logger.info("the connection ended: %s", error)


def _receive(client: socket.socket) -> Request:
    client.settimeout(REQUEST_SECONDS)
    line = b""
    while not line.endswith(b"\n"):
        try:
            part = client.recv(REQUEST_BYTES + 1 - len(line))
        except TimeoutError as error:
            raise refused("the request", "it did not come in time") from error
        line += part
        if not part or len(line) > REQUEST_BYTES or b"\n" in line[:-1]:
            raise refused("the request", "not one line of a fair length")
    return parse_request(line)


def _source(host: str, directory: Path, password_file: Path) -> Source:
    repository = directory / host
    place = f"local repository of {host}"
    if repository.is_symlink() or not (repository / "config").is_file():
        raise BackupError("repository_missing", place, "no repository is there")
    return Source(repository, password_file, place)


def _messages(restic: Running) -> Iterator[Any]:
    """Yield what restic says, line by line; raises BackupError for a line that is none of restic's."""
    while line := restic.output.readline(LINE_BYTES):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise BackupError("unknown", "restic", "a line that is not JSON, or too long") from error


def _snapshots(client: socket.socket, source: Source) -> bytes:
    with running(source, ["snapshots"], client, ANSWER_SECONDS) as restic:
        said = restic.output.read(SNAPSHOTS_BYTES)
        restic.finish()
    found = sorted((_listed(item) for item in json.loads(said) or ()), key=lambda item: item.time)
    return answer(snapshots=[listed_to_json(item) for item in found[-SNAPSHOTS:]])


def _listed(item: dict[str, Any]) -> Listed:
    summary = item.get("summary") or {}
    return Listed(
        id=item["id"],
        time=parse_time(item["time"]),
        tags=tuple(item.get("tags") or ()),
        paths=tuple(item.get("paths") or ()),
        bytes=summary.get("total_bytes_processed", 0),
        files=summary.get("total_files_processed", 0),
    )


def _nodes(restic: Running) -> Iterator[tuple[str, Entry]]:
    """Yield path and entry of each node.  ``ls`` of a snapshot that it cannot read says nothing and ends with 0."""
    messages = _messages(restic)
    if next(messages, {"message_type": None})["message_type"] != "snapshot":
        restic.finish()
        raise restic.failure(0)
    for item in messages:
        if item.get("message_type") == "node":
            mtime = parse_time(item["mtime"]) if "mtime" in item else None
            yield item["path"], Entry(item["name"], item["type"], item.get("size", 0), mtime)


def _first(nodes: Iterator[tuple[str, Entry]], restic: Running, path: str, kind: str) -> Entry:
    found, entry = next(nodes, ("", None))
    if entry is None:
        restic.finish()
    if entry is None or found != path or entry.kind != kind:
        raise BackupError("not_in_snapshot", path, f"it holds no {kind} of this name")
    return entry


def _list(client: socket.socket, source: Source, request: Request) -> bytes:
    """Return one page of a directory.  restic lists it by name (as UTF-8 bytes), and first the directory itself."""
    with running(source, ["ls", "--", request.snapshot, request.path], client, ANSWER_SECONDS) as restic:
        nodes = _nodes(restic)
        if request.path != "/":
            _first(nodes, restic, request.path, "dir")
        after = request.after.encode()
        rest = (entry for _, entry in nodes if entry.name.encode() > after)
        page = list(itertools.islice(rest, ENTRIES + 1))
        if len(page) <= ENTRIES:
            restic.finish()
    return answer(entries=[entry_to_json(entry) for entry in page[:ENTRIES]], more=len(page) > ENTRIES)


def _entry(client: socket.socket, source: Source, request: Request) -> Entry:
    with running(source, ["ls", "--", request.snapshot, request.path], client, ANSWER_SECONDS) as restic:
        return _first(_nodes(restic), restic, request.path, "file")


def _send_file(client: socket.socket, source: Source, request: Request) -> None:
    """Send a file's entry, then its content.  The entry goes out only when restic has begun to give the content."""
    entry = _entry(client, source, request)
    with running(source, ["dump", "--", request.snapshot, request.path], client, DOWNLOAD_SECONDS) as restic:
        chunk = restic.output.read(min(CHUNK_BYTES, entry.size))
        if len(chunk) < min(CHUNK_BYTES, entry.size):
            restic.finish()
            raise BackupError("repository_damaged", source.place, f"{request.path} ends early")
        client.sendall(answer(entry=entry_to_json(entry)))
        sent = 0
        while chunk:
            client.sendall(chunk)
            sent += len(chunk)
            chunk = restic.output.read(min(CHUNK_BYTES, entry.size - sent))
    if sent < entry.size:
        # The answer is out; all that can still be done is to end early, and the client counts.
        logger.warning("%s: %s broke off after %d of %d bytes", source.place, request.path, sent, entry.size)
