"""A database restored into a scratch server: what must be found, and what must not be taken for a difference."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup.errors import BackupError
from backup.night import backup_set
from backup.night.backup_set import BackupSet, Part
from backup.postgres import amcheck, manifest, postgresql, scratch
from backup.postgres.exported_snapshot import exported_snapshot
from backup.postgres.manifest import DatabaseManifest
from backup.postgres.postgresql import Database
from backup.postgres.restore_database import restore_database
from backup.printable import decoded
from backup.status import Verdict
from backup.verification.findings import Findings
from tests.backup.conftest import scratch_place

ODD = """
CREATE TABLE public.states (state varchar(10) DEFAULT 'open' CHECK (state IN ('open', 'done')),
  at timestamptz DEFAULT now(), late boolean GENERATED ALWAYS AS (state <> 'done') STORED, gone int,
  price numeric(8, 2));
ALTER TABLE public.states DROP COLUMN gone;
INSERT INTO public.states VALUES ('open', '2026-01-01', DEFAULT, 1.5), ('done', 'infinity', DEFAULT, NULL);
ALTER TABLE public.states ADD CONSTRAINT dear CHECK (price > 2) NOT VALID;
CREATE INDEX states_open ON public.states (lower(state), (price::text || 'x')) WHERE state IN ('open', 'held');
CREATE TABLE public.twice (id int); INSERT INTO public.twice VALUES (1), (1);
CREATE TABLE public.parent (a int, b text);
CREATE TABLE public.child (b text, extra date, a int);
ALTER TABLE public.child INHERIT public.parent;
INSERT INTO public.child VALUES ('x', '2026-02-01', 1), ('y', NULL, 2);
CREATE TABLE public.places (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE public.places_1 (id int NOT NULL, CONSTRAINT own_name PRIMARY KEY (id));
ALTER TABLE public.places ATTACH PARTITION public.places_1 FOR VALUES IN (1);
CREATE TABLE public.places_2 PARTITION OF public.places FOR VALUES IN (2);
CREATE TABLE public.stays (place int, night date, CONSTRAINT at_place FOREIGN KEY (place) REFERENCES public.places)
  PARTITION BY RANGE (night);
CREATE TABLE public.stays_2026 (night date, place int, CONSTRAINT my_own FOREIGN KEY (place) REFERENCES public.places);
ALTER TABLE public.stays ATTACH PARTITION public.stays_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO public.places VALUES (1), (2); INSERT INTO public.stays VALUES (1, '2026-03-01'), (2, '2026-03-02');
CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER noted AFTER INSERT ON public.stays FOR EACH ROW WHEN (NEW.place IN (1, 2))
  EXECUTE FUNCTION public.note();
ALTER TABLE public.stays DISABLE TRIGGER noted;
CREATE FUNCTION public.twofold(n int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE RETURN n * 2;
CREATE AGGREGATE public.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE DOMAIN public.dose AS numeric CHECK (VALUE > 0);
CREATE TABLE public.doses (dose public.dose, codes varchar(5)[] DEFAULT ARRAY['a', 'b']::varchar(5)[]);
CREATE UNLOGGED TABLE public.fleeting (id int); INSERT INTO public.fleeting VALUES (1);
CREATE MATERIALIZED VIEW public.counted AS SELECT count(*) FROM public.states WITH NO DATA;
CREATE VIEW public.seen AS SELECT s.*, p.* FROM public.states s CROSS JOIN public.parent p;
CREATE RULE nothing_new AS ON INSERT TO public.seen DO INSTEAD NOTHING;
ALTER TABLE public.doses ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON public.doses USING (dose > 1);
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO his;
GRANT SELECT, UPDATE ON public.states TO PUBLIC; GRANT INSERT ON public.parent TO his WITH GRANT OPTION;
REVOKE ALL ON public.twice FROM postgres; GRANT UPDATE (a) ON public.child TO his;
CREATE SEQUENCE public.numbers; GRANT USAGE ON SEQUENCE public.numbers TO his; SELECT nextval('public.numbers');
SELECT lo_from_bytea(7001, 'x-ray'), lo_put(lo_from_bytea(7002, ''), 10000, 'after a hole');
"""
INVALID = "CREATE UNIQUE INDEX CONCURRENTLY twice_id ON public.twice (id);"


@contextmanager
def database(cluster: Database, name: str, *scripts: str, encoding: str = "UTF8") -> Iterator[Database]:
    options = f"TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'" if encoding != "UTF8" else ""
    postgresql.query(cluster, f"CREATE DATABASE {name} {options};")
    made = replace(cluster, database=name)
    try:
        for script in scripts:
            postgresql.query(made, script)
        yield made
    finally:
        postgresql.query(cluster, f"DROP DATABASE {name};")


def captured(source: Database, place: Path) -> tuple[DatabaseManifest, Path, Path]:
    """Dump a database as the job does, without the repository: its manifest, its dump, its roles."""
    staged, roles = place / "x.dump", place / "x.roles.sql"
    with exported_snapshot(source) as (own, snapshot), tempfile.TemporaryFile() as stderr:
        with postgresql.dump_stream(source, snapshot, stderr) as producer, staged.open("wb") as target:
            producer.close()
            with open(producer.read_end, "rb", closefd=False) as stream:
                target.write(stream.read())
            assert producer.process.wait(60) == 0, postgresql.said(stderr)
        expected = manifest.compute_in(own)
        postgresql.dump_globals(source, snapshot, "roles", roles)
    return expected, staged, roles


def restore(source: Database, findings: Findings) -> None:
    with scratch_place() as place:
        expected, staged, roles = captured(source, place)
        restore_database(expected, staged, roles, place, findings)


def test_what_postgresql_prints_otherwise_after_a_restore_is_no_difference(cluster: Database) -> None:
    findings = Findings(lambda _: None, self_test=True)
    with database(cluster, "odd", ODD) as odd:
        with pytest.raises(BackupError, match="could not create unique index"):
            postgresql.query(odd, INVALID)
        restore(odd, findings)
    assert {item.status for item in findings.assertions} == {Verdict.PASSED}
    found = {item.id: item for item in findings.assertions}
    assert found["odd: definitions"].got == "0 differ"
    assert "public.stays_2026.night: 2026-03-02" in found["odd: newest records"].detail


GBK = """
CREATE TABLE public."就诊" (id int PRIMARY KEY, "姓名" text NOT NULL, "时间" timestamptz);
COMMENT ON TABLE public."就诊" IS '门诊就诊';
INSERT INTO public."就诊" VALUES (1, '张誠', '2026-01-01'), (2, '李四', '2026-02-01');
CREATE VIEW public."今日" AS SELECT "姓名" FROM public."就诊";
"""


def test_an_old_database_without_an_encoding_passes_as_it_is(cluster: Database) -> None:
    """What a server made under LANG=C holds is what each program sent: here GBK, in names and in rows."""
    findings = Findings(lambda _: None, self_test=True)
    script = decoded(GBK.encode("gbk"))
    with database(cluster, "old_his", script, encoding="SQL_ASCII") as old, scratch_place() as place:
        expected, staged, roles = captured(old, place)
        part = Part("postgresql", "old_his", None, "x.dump", 1, expected.to_json())
        backup_set.write(place / "set.json", BackupSet("run", "his1", "his", datetime.now(UTC), (part,)))
        assert manifest.from_json(backup_set.read(place / "set.json").parts[0].manifest) == expected
        restore_database(expected, staged, roles, place, findings)
    assert {item.status for item in findings.assertions} == {Verdict.PASSED}
    told = json.dumps([vars(item) for item in findings.assertions], ensure_ascii=False)
    assert 'newest record: public.\\"\ufffd' in told
    assert told.encode(), "a record can be written"


def test_an_older_extension_is_restored_newer_and_that_is_said(cluster: Database) -> None:
    findings = Findings(lambda _: None)
    with database(
        cluster, "old_extension", "CREATE EXTENSION pg_trgm SCHEMA public VERSION '1.3'; CREATE TABLE public.t ();"
    ) as old:
        restore(old, findings)
    extensions = next(item for item in findings.assertions if item.id.endswith(": extensions"))
    assert extensions.status is Verdict.PASSED
    assert extensions.detail.startswith("pg_trgm 1.3 became ")


def test_an_index_that_does_not_fit_its_table_is_found(cluster: Database) -> None:
    """A function that lies about being immutable is how an index goes wrong without a broken disk."""
    lie = "CREATE FUNCTION public.lie(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT (random() * 1e9)::int';"
    table = "CREATE TABLE public.t (id int); INSERT INTO public.t SELECT generate_series(1, 100);"
    index = "CREATE INDEX t_lie ON public.t (public.lie(id));"
    with database(cluster, "lying", lie, table, index) as lying, pytest.raises(BackupError) as caught:
        restore(lying, Findings(lambda _: None))
    assert (caught.value.cause.code, caught.value.cause.place) == ("restore_corrupt", "database lying")
    assert "t_lie" in caught.value.cause.detail


def test_without_the_contrib_modules_the_check_of_pages_is_skipped_and_says_so(
    cluster: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = Findings(lambda _: None)
    monkeypatch.setattr(amcheck, "AVAILABLE", "SELECT 0;")
    with database(cluster, "bare", "CREATE TABLE public.t (id int PRIMARY KEY);") as bare:
        restore(bare, findings)
    answer = findings.assertions[-1]
    assert (answer.id, answer.status) == ("bare: pages and indexes", Verdict.SKIPPED)
    assert answer.detail.endswith("is not installed (package postgresql-15)")


def test_without_the_program_the_check_of_pages_is_skipped_and_says_so(
    cluster: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    findings = Findings(lambda _: None)
    monkeypatch.setattr(postgresql, "INSTALLED", tmp_path)
    amcheck.require_sound(cluster, 15, 1, findings)
    assert findings.assertions[0].status is Verdict.SKIPPED
    assert findings.assertions[0].detail.startswith("pg_amcheck is missing")


def test_another_major_version_compares_what_all_versions_write_alike(cluster: Database) -> None:
    findings = Findings(lambda _: None)
    with database(cluster, "newer", "CREATE TABLE public.t (id int PRIMARY KEY);") as newer, scratch_place() as place:
        expected, staged, roles = captured(newer, place)
        restore_database(replace(expected, server_version="14.1"), staged, roles, place, findings)
    answer = next(item for item in findings.assertions if item.id == "newer: definitions")
    assert answer.status is Verdict.SKIPPED
    assert "PostgreSQL 15 writes definitions otherwise than 14" in answer.detail


UNUSUAL = """
CREATE TABLE public.imported (id serial PRIMARY KEY, word text);
INSERT INTO public.imported VALUES (100, 'x'), (200, 'y');
CREATE TABLE public.down (id int GENERATED ALWAYS AS IDENTITY (INCREMENT -1), word text);
INSERT INTO public.down (word) VALUES ('x'), ('y');
CREATE SEQUENCE public.letters; CREATE TABLE public.lettered (id text DEFAULT 'V' || nextval('public.letters'));
ALTER SEQUENCE public.letters OWNED BY public.lettered.id; INSERT INTO public.lettered DEFAULT VALUES;
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE FUNCTION public.never() RETURNS event_trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'ask the information department'; END $$;
CREATE EVENT TRIGGER never_drop ON sql_drop EXECUTE FUNCTION public.never();
CREATE EVENT TRIGGER never_make ON ddl_command_start EXECUTE FUNCTION public.never();
ALTER DATABASE unusual SET default_transaction_read_only = on;
"""
PICTURES = """
CREATE TABLE public.t (id int, picture oid); INSERT INTO public.t VALUES (1, lo_from_bytea(0, 'x-ray'));
CREATE TABLE public.bare (); INSERT INTO public.bare DEFAULT VALUES;
"""


def test_what_is_unusual_in_the_original_is_not_the_backups_fault(cluster: Database) -> None:
    """Used sequence numbers, numbers that are text, guards against DROP, an archive that is read-only."""
    findings = Findings(lambda _: None, self_test=True)
    with database(cluster, "unusual", UNUSUAL) as unusual:
        restore(unusual, findings)
    assert {item.status for item in findings.assertions} == {Verdict.PASSED}
    sequences = next(item for item in findings.assertions if item.id == "unusual: sequences")
    assert sequences.detail.startswith("as in the original: public.down_id_seq: next number -1 is in use up to -1; ")
    assert sequences.detail.endswith("; public.imported_id_seq: next number 1 is in use up to 200")


def test_the_self_test_drops_a_table_of_the_database_and_no_catalogue(cluster: Database) -> None:
    findings = Findings(lambda _: None, self_test=True)
    with database(cluster, "pictures", PICTURES) as pictures:
        restore(pictures, findings)
    told = {item.id: item.status for item in findings.assertions if item.id.startswith("self-test: ")}
    assert told["self-test: pictures: a missing table is caught"] is Verdict.PASSED


def test_a_database_of_many_tables_does_not_use_up_the_servers_locks() -> None:
    """A query locks all indexes of its tables too: kept to the end, they would be many times the tables' locks."""
    indexes = " ".join(f"CREATE INDEX ON public.t%1$s (id, (id + {n}));" for n in range(15))
    table = f"CREATE TABLE public.t%1$s (id int); {indexes}"
    many = f"SELECT format('{table}', n) FROM generate_series(1, 80) AS n \\gexec"  # noqa: S608
    few = {"max_locks_per_transaction": "10", "max_connections": "10"}
    with scratch_place() as place, scratch.server(place, int(postgresql.binary("postgres").parts[-3]), few) as server:
        postgresql.query(server.source, many)
        expected, _, _ = captured(server.source, place)
    assert len(expected.tables) == 80
