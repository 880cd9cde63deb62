"""Restore tests of backups that are bad.  A restore test that cannot fail is decoration."""

import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from backup.config.policy import Config
from backup.night import backup_set
from backup.night.backup_set import BackupSet
from backup.night.recorder import now_utc
from backup.postgres import manifest, postgresql, scratch
from backup.postgres.manifest import Sequence
from backup.postgres.postgresql import Database
from backup.repositories import repository
from backup.status import Verdict, Verification, format_time
from backup.verification import verify as verify_module
from backup.verification.verify import verify_policy
from tests.backup.clinic_host import ClinicHost, run
from tests.backup.forgery import edit_manifest, failure, forge


def verify(config: Config) -> Verification:
    return verify_policy(config, config.policy("his"))


def pg_dump(source: Database, target: Path, *arguments: str) -> bytes:
    command = [str(postgresql.binary("pg_dump")), "-Fc", "-Z0", *arguments]
    with target.open("wb") as stdout, target.with_suffix(".log").open("w+b") as log:
        dumper = postgresql.as_server_user(command, source, stdin=subprocess.DEVNULL, stdout=stdout, stderr=log)
        assert dumper.wait(60) == 0
    return target.read_bytes()


def test_one_changed_letter_in_the_dump_is_found_and_its_table_named(backed_up: Config) -> None:
    forge(
        backed_up,
        edit_dump=lambda content: content.replace("咳嗽\\t三天\\n4321".encode(), "咳嗽\\t五天\\n4321".encode()),
    )
    assert failure(verify(backed_up)) == (
        "manifest_mismatch",
        "his: table public.visits",
        "the same number of rows, other content",
    )


def test_a_truncated_dump_is_found_before_any_restore(backed_up: Config) -> None:
    forge(backed_up, edit_dump=lambda content: content[:-100_000])
    proof = verify(backed_up)
    code, place, _ = failure(proof)
    assert (code, place) == ("dump_damaged", "database his")
    assert "restore" not in proof.phases


def test_a_dump_of_another_size_than_the_manifest_says_is_found(backed_up: Config) -> None:
    def shorter(sealed: BackupSet) -> BackupSet:
        part = sealed.parts[0]
        return replace(sealed, parts=(replace(part, bytes=part.bytes + 1), *sealed.parts[1:]))

    forge(backed_up, edit=shorter)
    assert failure(verify(backed_up))[0] == "dump_damaged"


def test_a_table_that_the_dump_lacks_is_named(backed_up: Config, cluster: Database, tmp_path: Path) -> None:
    part = pg_dump(cluster, tmp_path / "part.dump", "--exclude-table=registry.drugs")
    forge(backed_up, edit_dump=lambda _: part)
    assert failure(verify(backed_up)) == ("manifest_mismatch", "his: table registry.drugs", "missing")


def test_another_days_dump_in_todays_set_is_found(backed_up: Config, cluster: Database, tmp_path: Path) -> None:
    postgresql.query(cluster, "INSERT INTO registry.drugs VALUES ('other', '别', 1);")
    try:
        other = pg_dump(cluster, tmp_path / "other.dump")
    finally:
        postgresql.query(cluster, "DELETE FROM registry.drugs WHERE code = 'other';")
    forge(backed_up, edit_dump=lambda _: other)
    assert failure(verify(backed_up)) == ("manifest_mismatch", "his: table registry.drugs", "rows differ")


def test_an_old_set_under_a_new_date_is_found(backed_up: Config) -> None:
    """Dump and manifest are of one night, so they agree; only the date is another."""
    today = now_utc() + timedelta(hours=20)

    def redate(sealed: BackupSet) -> BackupSet:
        return replace(edit_manifest(as_of=format_time(today))(sealed), as_of=today)

    forge(backed_up, edit=redate)
    proof = verify(backed_up)
    code, place, detail = failure(proof)
    assert (code, place) == ("dump_misdated", "database his")
    assert detail.endswith(f"instead of {format_time(today)}")
    assert "restore" not in proof.phases


def test_another_body_of_a_function_is_found_and_named(backed_up: Config) -> None:
    forge(backed_up, edit_dump=lambda content: content.replace(b"p.born) / 365", b"p.born) / 366"))
    assert failure(verify(backed_up)) == (
        "manifest_mismatch",
        "his: definitions",
        "functions: public.age_of(p public.patients): differs",
    )


def test_a_sequence_that_would_give_used_numbers_is_named(backed_up: Config) -> None:
    forge(
        backed_up,
        edit_dump=lambda content: content.replace(
            b"setval('public.visits_id_seq', 9000,", b"setval('public.visits_id_seq', 8999,"
        ),
    )
    proof = verify(backed_up)
    assert failure(proof) == (
        "manifest_mismatch",
        "his: sequences",
        "public.visits_id_seq: next number 9000 is in use up to 9000",
    )


def test_a_sequence_beyond_its_column_is_fine(backed_up: Config) -> None:
    forge(backed_up, edit=edit_manifest(sequences={"public.visits_id_seq": Sequence(9100, 9000)}))
    assert verify(backed_up).verdict is Verdict.PASSED


def test_the_scratch_server_is_another_system_and_has_no_address(cluster: Database, tmp_path: Path) -> None:
    live = manifest.compute(cluster).system_identifier
    with scratch.directory(verify_module.SCRATCH_PARENT) as place:
        with scratch.server(place, int(postgresql.binary("postgres").parts[-3])) as server:
            assert server.system_identifier != live
            assert postgresql.query(server.source, "SHOW listen_addresses;").strip() == ""
        assert not list(place.glob("postgresql/.s.PGSQL*"))


def test_data_older_than_the_promise_fails_even_when_it_restores(backed_up: Config) -> None:
    seen: list[BackupSet] = []

    def look(sealed: BackupSet) -> BackupSet:
        seen.append(sealed)
        return sealed

    forge(backed_up, edit=look)
    later = seen[0].as_of + timedelta(hours=30, minutes=6)
    proof = verify_policy(backed_up, backed_up.policy("his"), now=lambda: later)
    code, _, detail = failure(proof)
    assert code == "snapshot_too_old"
    assert detail == "30.1 hours old (allowed: 24)"


def test_a_flipped_byte_in_the_repository_is_found(host: ClinicHost, cluster: Database) -> None:
    config = replace(host.with_database(cluster), offsite=None)
    run(config)
    packs = sorted((host.local_server.data / "his1/data").glob("*/*"), key=lambda path: path.stat().st_size)
    content = bytearray(packs[-1].read_bytes())
    content[len(content) // 3] ^= 1
    packs[-1].chmod(0o600)
    packs[-1].write_bytes(content)
    assert failure(verify(config))[0] == "repository_damaged"


def test_a_changed_file_is_named(host: ClinicHost) -> None:
    config = replace(host.with_files(), offsite=None)
    run(config)
    local = config.repository("local")
    seal = repository.snapshots(local)[0]
    staging = config.state_directory / "staging"
    staging.mkdir()
    path = staging / backup_set.MANIFEST_NAME
    repository.dump(local, seal.id, str(path), path, 60)
    victim = host.files / "病历.conf"
    before = victim.stat()
    victim.write_text("方案 = 乙\n" * 100)
    os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
    repository.backup_paths(
        local, host="his1", tags=["run=forged", "policy=his", "kind=set"], paths=[staging, host.files]
    )
    assert failure(verify(config)) == ("manifest_mismatch", str(victim), f"{victim} has other content")


def test_nothing_to_verify_is_skipped_and_says_why(host: ClinicHost) -> None:
    proof = verify(host.with_files())
    assert proof.verdict is Verdict.SKIPPED
    assert proof.cause is not None
    assert proof.cause.code == "snapshot_missing"


def test_a_repository_that_is_off_gives_no_verdict(host: ClinicHost) -> None:
    config = host.with_files()
    host.local_server.stop()
    proof = verify(config)
    assert proof.verdict is Verdict.ERROR
    assert proof.cause is not None
    assert proof.cause.code == "repository_unreachable"


def test_what_a_dead_verification_left_is_swept_and_a_living_one_is_not(tmp_path: Path) -> None:
    dead = tmp_path / "xinglin-verify-dead"
    dead.mkdir()
    (dead / "his.dump").write_text("secret")
    with scratch.directory(tmp_path) as living:
        for path in (dead, living):
            os.utime(path, (0, 0))
        assert scratch.sweep(tmp_path) == 1
        assert living.exists()
    assert list(tmp_path.iterdir()) == []
