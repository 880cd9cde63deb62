"""The PostgreSQL source against a real server."""

import subprocess

from backup import manifest, postgresql
from backup.postgresql import Database


def test_a_manifest_hash_can_be_redone_with_psql_and_sha256sum(cluster: Database) -> None:
    found = manifest.compute(cluster)
    table = found.tables["public.visits"]
    output = postgresql.query(cluster, f"COPY ({table.query}) TO STDOUT;")
    redone = subprocess.run(["sha256sum"], input=output.encode(), capture_output=True, check=True, timeout=30).stdout
    assert redone.split()[0].decode() == table.sha256
    assert table.rows == 9000
    assert table.newest == {"at": "2026-01-07 06:00:00+00"}
    assert {name: facts.rows for name, facts in found.tables.items()} == {
        'public."Ärzte; DROP"': 0,
        "public.base": 0,
        "public.child": 2,
        "public.nothing": 0,
        "public.patients": 3000,
        "public.prescriptions_2025": 213,
        "public.prescriptions_2026": 187,
        "public.unkeyed_log": 500,
        "public.visits": 9000,
        "registry.drugs": 200,
    }
    assert found.extensions["pg_trgm"]
    assert found.schema["large_objects"] == 1
    assert found.sequences["public.visits_id_seq"] == manifest.Sequence(9000, 9000)
    assert found.schema["triggers"] == 1
    assert manifest.from_json(found.to_json()) == found


def test_a_manifest_in_an_exported_snapshot_does_not_see_later_writes(cluster: Database) -> None:
    with postgresql.exported_snapshot(cluster) as snapshot:
        before = manifest.compute(cluster, snapshot.id)
        postgresql.query(cluster, "INSERT INTO registry.drugs VALUES ('late', '迟', 1);")
        try:
            assert manifest.compute(cluster, snapshot.id).tables == before.tables
            assert manifest.compute(cluster).tables != before.tables
        finally:
            postgresql.query(cluster, "DELETE FROM registry.drugs WHERE code = 'late';")
