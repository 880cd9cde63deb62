"""Compares a restored database with the manifest of the original.  Pure: manifests in, assertions out."""

from collections.abc import Iterator

from backup.manifest import DatabaseManifest
from backup.status import Assertion, Verdict

SHOWN = 20
"""How many differing tables get an assertion of their own; the rest are counted."""


def compare(expected: DatabaseManifest, got: DatabaseManifest) -> list[Assertion]:
    """Return what was asked of the restored database ``got`` and the answers; each one failed or passed."""
    name = expected.database
    return [
        _equal(f"{name}: encoding", expected.encoding, got.encoding),
        _equal(f"{name}: extensions", expected.extensions, got.extensions),
        _roles(expected, got),
        _schema(expected, got),
        *_tables(expected, got),
        _sequences(expected, got),
    ]


def _assertion(identifier: str, passed: bool, expected: object, got: object, detail: str = "") -> Assertion:
    return Assertion(identifier, Verdict.PASSED if passed else Verdict.FAILED, str(expected), str(got), detail)


def _equal(identifier: str, expected: object, got: object) -> Assertion:
    return _assertion(identifier, expected == got, expected, got)


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


def _sequences(expected: DatabaseManifest, got: DatabaseManifest) -> Assertion:
    """Sequences are not transactional, so equality is not asked; the next number must be free."""
    problems = [f"{name}: missing" for name in sorted(set(expected.sequences) - set(got.sequences))]
    for name, restored in got.sequences.items():
        if restored.highest and (restored.last_value or 0) < restored.highest:
            problems.append(f"{name}: next number {(restored.last_value or 0) + 1} is in use up to {restored.highest}")
    return _assertion(
        f"{expected.database}: sequences",
        not problems,
        f"{len(expected.sequences)} sequences, every next number free",
        f"{len(got.sequences)} sequences, {len(problems)} not so",
        "; ".join(problems[:5]),
    )
