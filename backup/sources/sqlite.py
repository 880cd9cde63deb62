"""A SQLite database: a consistent copy by SQLite's online backup, with rows and a hash of every table.

The hash is the SHA-256 of what the ``sqlite3`` program prints for the query in the manifest, so that anybody can
redo it: ``sqlite3 FILE "QUERY" | sha256sum``.
"""

import contextlib
import hashlib
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from backup.config.reader import Reader, a_path
from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.sources.work import Stored, Work
from backup.status import Cause
from backup.verification.findings import Findings

BUSY_SECONDS = 60.0
TRIES = 5
"""How often a database that nobody has open is copied again when it changed meanwhile."""
SHOWN = 20


@dataclass(frozen=True)
class SqliteSource:
    """One database file; programs may go on writing to it meanwhile."""

    path: Path
    kind: ClassVar[str] = "sqlite"

    @classmethod
    def read(cls, reader: Reader, data: Mapping[str, Any], where: str) -> Self | None:
        """Read ``{"sqlite": {"path": …}}``."""
        here = f"{where}.{cls.kind}"
        inner = reader.mapping(data[cls.kind], here, {"path"}, set())
        if reader.mapping(data, where, {cls.kind}, set()) is None or inner is None:
            return None
        return cls(reader.value(inner, "path", here, a_path, "an absolute path"))

    @property
    def name(self) -> str:
        """The path, as a file name."""
        return str(self.path).strip("/").replace("/", "-")

    @property
    def place(self) -> str:
        """What people read."""
        return f"database {self.path}"

    def require(self) -> None:
        """See that the file is there; raises BackupError ``source_missing``."""
        if not self.path.is_file():
            raise BackupError("source_missing", str(self.path), "the backup policy names it")

    def capture(self, work: Work) -> Part:
        """Copy it to the staging directory and describe the copy."""
        target = work.staging / f"{self.name}.sqlite"
        copy_database(self.path, target, work.staging)
        with contextlib.closing(sqlite3.connect(target)) as copy:
            problems = integrity(copy)
            if problems:
                raise BackupError("source_damaged", self.place, problems)
            manifest = describe(copy)
        if not manifest["tables"]:
            raise BackupError("dump_failed", self.place, "the database has no table")
        size = target.stat().st_size
        rows = sum(table["rows"] for table in manifest["tables"].values())
        work.notes.numbers |= {"bytes": size, "tables": len(manifest["tables"]), "rows": rows}
        return Part(self.kind, self.name, None, target.name, size, manifest | {"path": str(self.path)})

    def prove(self, part: Part, stored: Stored, findings: Findings) -> None:
        """Restore the copy, ask SQLite whether it is sound, and compare schema and tables."""
        with findings.phase("fetch"):
            restored = stored.staged(str(part.filename))
        place = f"database {part.manifest['path']}"
        got = restored.stat().st_size
        findings.require(
            f"{part.name}: size",
            got == part.bytes,
            f"{part.bytes} bytes",
            f"{got} bytes",
            Cause("dump_damaged", place, f"{got} of {part.bytes} bytes"),
        )
        with findings.phase("compare"), contextlib.closing(sqlite3.connect(restored)) as database:
            problems = integrity(database)
            failure = Cause("dump_damaged", place, problems)
            findings.require(f"{part.name}: integrity", not problems, "ok", problems or "ok", failure)
            differences = compare(part.manifest, describe(database, part.manifest["tables"]))
            tables = part.manifest["tables"]
            findings.require(
                f"{part.name}: tables",
                not differences,
                f"{len(tables)} tables, {sum(table['rows'] for table in tables.values())} rows, the same schema",
                "; ".join(differences[:SHOWN]) or "rows and SHA-256 of every table are equal",
                Cause("manifest_mismatch", place, "; ".join(differences[:5])),
            )


def copy_database(path: Path, target: Path, scratch: Path) -> None:
    """Copy a consistent state of the database ``path`` to ``target`` (0600), which is then one file without a log.

    Raises BackupError: local_disk_full, dump_failed.
    """
    target.touch(mode=0o600)
    size = sum(part.stat().st_size for part in _files(path))
    if shutil.disk_usage(scratch).free < 2 * size:
        raise BackupError("local_disk_full", str(scratch), f"{2 * size} bytes are needed to copy {path}")
    try:
        try:
            _online_backup(path, target)
        except sqlite3.OperationalError as error:
            # A log to be read back, but no right to write beside the database: only possible when nobody has it open.
            if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
                raise
            _copy_unused(path, target, scratch)
    except sqlite3.Error as error:
        raise BackupError("dump_failed", f"database {path}", str(error)) from error


def _online_backup(path: Path, target: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", BUSY_SECONDS, uri=True)) as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        deadline = time.monotonic() + BUSY_SECONDS

        def give_up(status: int, *_: int) -> None:
            if status == sqlite3.SQLITE_BUSY and time.monotonic() > deadline:
                raise BackupError("dump_failed", f"database {path}", f"locked for {BUSY_SECONDS:.0f} s")

        source.backup(copy, progress=give_up)
        # The copy must be whole in its one file, wherever it is restored to.
        copy.execute("PRAGMA journal_mode = DELETE")


def _copy_unused(path: Path, target: Path, scratch: Path) -> None:
    place = scratch / "unused"
    try:
        for _ in range(TRIES):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(mode=0o700)
            before = _state(path)
            for part in _files(path):
                shutil.copyfile(part, place / part.name)
            if _state(path) == before:
                _online_backup(place / path.name, target)
                return
    finally:
        shutil.rmtree(place, ignore_errors=True)
    raise BackupError("dump_failed", f"database {path}", f"it changed during each of {TRIES} copies")


def _files(path: Path) -> list[Path]:
    return [
        part for part in (path, *(path.with_name(f"{path.name}-{log}") for log in ("wal", "journal"))) if part.exists()
    ]


def _state(path: Path) -> list[tuple[str, int, int]]:
    return [(part.name, part.stat().st_size, part.stat().st_mtime_ns) for part in _files(path)]


def integrity(database: sqlite3.Connection) -> str:
    """Return what SQLite finds wrong with the database, in one line; empty when it is sound."""
    try:
        said = [row[0] for row in database.execute("PRAGMA integrity_check(5)")]
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if said == ["ok"] else "; ".join(said)[:300]


def describe(database: sqlite3.Connection, tables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the schema's hash and each table's rows, hash and the query that the hash is of.

    ``tables`` of an earlier description give their queries.
    """
    schema = database.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
    digest = hashlib.sha256("".join(f"{'|'.join(row)};\n" for row in schema).encode())
    version = database.execute("PRAGMA user_version").fetchone()[0]
    found = {}
    for name, query in _queries(database):
        chosen = (tables or {}).get(name, {}).get("query", query)
        try:
            rows, sha256 = _hash(database, chosen)
        except sqlite3.DatabaseError as error:
            rows, sha256 = -1, str(error)
        found[name] = {"query": chosen, "rows": rows, "sha256": sha256}
    return {"schema_sha256": digest.hexdigest(), "user_version": version, "tables": found}


def _queries(database: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Yield each real table (a virtual one's rows are in real tables of its own) and the query of its content."""
    listed = database.execute(
        "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')"
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    for name, without_rowid in listed.fetchall():
        columns = database.execute("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", (name,)).fetchall()
        key = [column for column, position in sorted(columns, key=lambda item: item[1]) if position]
        names = {column.lower() for column, _ in columns}
        rowid = next((alias for alias in ("rowid", "_rowid_", "oid") if alias not in names), "1")
        order = ", ".join(map(_quoted, key)) if without_rowid else rowid
        shown = ", ".join(f"quote({_quoted(column)})" for column, _ in columns)
        yield name, f"SELECT {shown} FROM {_quoted(name)} ORDER BY {order}"  # noqa: S608 - quoted names


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _hash(database: sqlite3.Connection, query: str) -> tuple[int, str]:
    digest, rows = hashlib.sha256(), 0
    database.text_factory = bytes
    try:
        for row in database.execute(query):
            digest.update(b"|".join(row) + b"\n")
            rows += 1
    finally:
        database.text_factory = str
    return rows, digest.hexdigest()


def compare(expected: Mapping[str, Any], got: Mapping[str, Any]) -> list[str]:
    """Return what differs, each in a few words that name the table."""
    differing = [f"{word} differs" for word in ("schema_sha256", "user_version") if expected[word] != got[word]]
    for name, table in expected["tables"].items():
        found = got["tables"].get(name)
        if found is None:
            differing.append(f"table {name} is missing")
        elif found["rows"] != table["rows"]:
            differing.append(f"table {name}: {table['rows']} rows became {found['rows']}")
        elif found["sha256"] != table["sha256"]:
            differing.append(f"table {name}: the same number of rows, other content")
    return differing + [f"table {name} is new" for name in got["tables"] if name not in expected["tables"]]
