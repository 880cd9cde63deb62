"""Compares a restored database with the manifest of the original.  Pure: manifests in, assertions out."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from backup.postgres.manifest import DatabaseManifest, Sequence
from backup.printable import printable
from backup.status import Assertion, Verdict, format_time, parse_time

SHOWN = 20
"""How many differing tables get an assertion of their own; the rest are counted."""
NAMED = 5
"""How many objects a detail names."""
EASTMOST = timedelta(hours=14)
"""A time without a zone is the clinic's own, at most this much ahead of UTC."""


def compare(expected: DatabaseManifest, got: DatabaseManifest) -> list[Assertion]:
    """Return what was asked of the restored database ``got`` and the answers."""
    name = expected.database
    return [
        _assertion(f"{name}: encoding", expected.encoding == got.encoding, expected.encoding, got.encoding),
        _extensions(expected, got),
        _roles(expected, got),
        _schema(expected, got),
        _definitions(expected, got),
        _foreign_keys(expected, got),
        *_tables(expected, got),
        _newest(expected, got),
        _sequences(expected, got),
    ]


def _assertion(identifier: str, passed: bool, expected: object, got: object, detail: str = "") -> Assertion:
    status = Verdict.PASSED if passed else Verdict.FAILED
    return Assertion(printable(identifier), status, str(expected), str(got), printable(detail))


def _extensions(expected: DatabaseManifest, got: DatabaseManifest) -> Assertion:
    """A dump names extensions without a version: a restore gets the installed one, which may be newer."""
    missing = sorted(set(expected.extensions) - set(got.extensions))
    other = [
        f"{name} {version} became {got.extensions[name]}"
        for name, version in expected.extensions.items()
        if name in got.extensions and got.extensions[name] != version
    ]
    detail = "; ".join([*(f"missing: {name}" for name in missing), *other])
    return _assertion(
        f"{expected.database}: extensions", not missing, len(expected.extensions), len(got.extensions), detail
    )


def _roles(expected: DatabaseManifest, got: DatabaseManifest) -> Assertion:
    missing = sorted(set(expected.roles) - set(got.roles))
    detail = f"missing: {', '.join(missing)}" if missing else ""
    return _assertion(f"{expected.database}: roles", not missing, len(expected.roles), len(got.roles), detail)


def _schema(expected: DatabaseManifest, got: DatabaseManifest) -> Assertion:
    differing = [
        f"{kind}: {count} became {got.schema.get(kind)}"
        for kind, count in expected.schema.items()
        if got.schema.get(kind) != count
    ]
    return _assertion(f"{expected.database}: schema", not differing, expected.schema, got.schema, "; ".join(differing))


def _definitions(expected: DatabaseManifest, got: DatabaseManifest) -> Assertion:
    """Compare every object's definition: types, defaults, checks, bodies of functions, owners and rights."""
    identifier = f"{expected.database}: definitions"
    total = sum(len(found) for found in expected.definitions.values())
    if expected.major != got.major:
        reason = f"PostgreSQL {got.major} writes definitions otherwise than {expected.major}; they were only counted"
        return Assertion(identifier, Verdict.SKIPPED, f"{total} the same", "not compared", reason)
    differing = []
    for kind in sorted({*expected.definitions, *got.definitions}):
        before, after = expected.definitions.get(kind, {}), got.definitions.get(kind, {})
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                how = "missing" if name not in after else "surplus" if name not in before else "differs"
                differing.append(f"{kind}: {name}: {how}")
    detail = "; ".join(differing[:NAMED])
    return _assertion(identifier, not differing, f"{total} the same", f"{len(differing)} differ", detail)


def _foreign_keys(expected: DatabaseManifest, got: DatabaseManifest) -> Assertion:
    """A restore makes each one anew and so reads all rows; those that were never validated stay so."""
    wanted, found = (
        f"{manifest.schema['foreign_keys']}, of them {manifest.schema['foreign_keys_validated']} validated"
        for manifest in (expected, got)
    )
    return _assertion(f"{expected.database}: foreign keys", wanted == found, wanted, found)


def _tables(expected: DatabaseManifest, got: DatabaseManifest) -> Iterator[Assertion]:
    missing = sorted(set(expected.tables) - set(got.tables))
    surplus = sorted(set(got.tables) - set(expected.tables))
    differing = [
        table
        for table, original in expected.tables.items()
        if table in got.tables
        and (original.rows, original.sha256) != (got.tables[table].rows, got.tables[table].sha256)
    ]
    bad = len(missing) + len(surplus) + len(differing)
    yield _assertion(
        f"{expected.database}: tables",
        not bad,
        f"{len(expected.tables)} tables, {expected.rows} rows",
        f"{len(got.tables)} tables, {got.rows} rows",
        f"{bad} of them differ" if bad else "rows and SHA-256 of every table are equal",
    )
    for table in missing[:SHOWN]:
        rows = expected.tables[table].rows
        yield _assertion(f"{expected.database}: table {table}", False, f"{rows} rows", "no such table", "missing")
    for table in surplus[:SHOWN]:
        rows = got.tables[table].rows
        yield _assertion(f"{expected.database}: table {table}", False, "no such table", f"{rows} rows", "surplus")
    for table in differing[:SHOWN]:
        original, restored = expected.tables[table], got.tables[table]
        detail = "rows differ" if original.rows != restored.rows else "the same number of rows, other content"
        yield _assertion(
            f"{expected.database}: table {table}",
            False,
            f"{original.rows} rows, sha256 {original.sha256}",
            f"{restored.rows} rows, sha256 {restored.sha256}",
            detail,
        )


def _newest(expected: DatabaseManifest, got: DatabaseManifest) -> Assertion:
    """The newest time in every column of times is as it was; the newest of all that is past tells how fresh it is."""
    as_of = parse_time(expected.as_of)
    problems, past = [], []
    for table, original in expected.tables.items():
        restored = got.tables[table].newest if table in got.tables else {}
        for column, text in original.newest.items():
            if restored.get(column) != text:
                problems.append(f"{table}.{column}: {text} became {restored.get(column)}")
            moment = _moment(text, as_of)
            if moment:
                past.append((moment, f"{table}.{column}: {text}"))
    columns = sum(len(table.newest) for table in expected.tables.values())
    detail = "; ".join(problems[:NAMED]) or (f"newest record: {max(past)[1]}" if past else "no record has a past time")
    return _assertion(
        f"{expected.database}: newest records",
        not problems,
        f"{columns} columns of times, data as of {format_time(as_of)}",
        f"{len(problems)} columns differ",
        detail,
    )


def _moment(text: str | None, as_of: datetime) -> datetime | None:
    """Read PostgreSQL's ISO form; None for NULL, infinity, years beyond Python, and what is after ``as_of``."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    has_zone = moment.tzinfo is not None
    moment = moment if has_zone else moment.replace(tzinfo=UTC)
    return moment if moment <= as_of + (timedelta(0) if has_zone else EASTMOST) else None


def _sequences(expected: DatabaseManifest, got: DatabaseManifest) -> Assertion:
    """Sequences are not transactional, so equality is not asked; the next number must be free.

    Where it is in use in the original, too (imported rows, a sequence that counts down), the backup is not to blame.
    """
    problems = [f"{name}: missing" for name in sorted(set(expected.sequences) - set(got.sequences))]
    alike: list[str] = []
    for name, restored in got.sequences.items():
        if _is_behind(restored):
            words = f"{name}: next number {(restored.last_value or 0) + 1} is in use up to {restored.highest}"
            original = expected.sequences.get(name)
            (alike if original and _is_behind(original) else problems).append(words)
    as_before = f"as in the original: {'; '.join(alike[:NAMED])}" if alike else ""
    return _assertion(
        f"{expected.database}: sequences",
        not problems,
        f"{len(expected.sequences)} sequences, every next number free",
        f"{len(got.sequences)} sequences, {len(problems)} not so",
        "; ".join(problems[:NAMED]) or as_before,
    )


def _is_behind(sequence: Sequence) -> bool:
    return bool(sequence.highest) and (sequence.last_value or 0) < (sequence.highest or 0)
