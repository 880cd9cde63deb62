"""WAL by its names: what follows what, what is missing, which snapshots are enough."""

from datetime import UTC, datetime, timedelta

import pytest

from backup.errors import BackupError
from backup.point_in_time import wal
from backup.point_in_time.spool import Spool, needed_from, removable
from backup.point_in_time.store import _Storing
from backup.repositories import repository
from backup.repositories.repository import Snapshot
from tests.backup.clinic_host import ClinicHost

MEGABYTE = 1 << 20
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


def segment(number: int) -> str:
    return f"00000001{number // 256:08X}{number % 256:08X}"


def stretch(first: int, last: int, hour: int) -> wal.Stretch:
    tags = ("kind=wal", "system=7", f"from={segment(first)}", f"to={segment(last)}")
    snapshot = Snapshot(f"{first}-{last}", MIDNIGHT + timedelta(hours=hour), "his1", tags, ("/spool/7",))
    return wal.stretches([snapshot])[0]


@pytest.mark.parametrize(
    ("megabytes", "name", "after"),
    [
        (16, "000000010000000000000001", "000000010000000000000002"),
        (16, "0000000100000000000000FF", "000000010000000100000000"),
        (64, "00000001000000000000003F", "000000010000000100000000"),
        (1, "000000020000000A00000FFF", "000000020000000B00000000"),
    ],
)
def test_the_next_segment_depends_on_the_size_of_one(megabytes: int, name: str, after: str) -> None:
    assert wal.following(name, megabytes * MEGABYTE) == after


def test_a_hole_is_named_with_what_follows_it() -> None:
    names = [segment(number) for number in (3, 4, 5, 7, 9)]
    assert wal.first_hole(names, segment(3), 16 * MEGABYTE) == (segment(6), segment(7))
    assert wal.first_hole(names[:3], segment(3), 16 * MEGABYTE) is None
    assert wal.first_hole(names[:3], segment(2), 16 * MEGABYTE) == (segment(2), segment(3))
    assert wal.first_hole([*names[:3], "00000002" + segment(9)[8:], "x.history"], segment(3), 16 * MEGABYTE) is None


def test_the_fewest_snapshots_that_reach_the_moment_are_chosen() -> None:
    known = [stretch(1, 4, 1), stretch(1, 8, 2), stretch(6, 12, 3), stretch(6, 15, 4)]
    assert [item.snapshot.id for item in wal.chain(known, segment(2), MIDNIGHT + timedelta(minutes=90))] == ["1-8"]
    assert [item.snapshot.id for item in wal.chain(known, segment(2), MIDNIGHT + timedelta(hours=3))] == ["1-8", "6-12"]
    assert [item.snapshot.id for item in wal.chain(known, segment(7), None)] == ["6-15"]
    assert [item.snapshot.id for item in wal.chain(known, segment(2), None)] == ["1-8", "6-15"]
    assert wal.chain(known, segment(20), None) == []


def test_a_snapshot_that_a_later_one_holds_is_superfluous() -> None:
    known = [stretch(1, 4, 1), stretch(1, 8, 2), stretch(6, 12, 3), stretch(6, 15, 4)]
    assert wal.superfluous(known) == {"1-4", "6-12"}


def test_only_what_every_repository_has_and_no_base_needs_may_go() -> None:
    assert needed_from([segment(9)]) == ""
    assert needed_from([segment(2), segment(9), segment(5)]) == segment(5)
    segments = [segment(number) for number in range(1, 8)]
    assert removable(segments, segment(5), [[stretch(1, 7, 1)], [stretch(1, 3, 1)]]) == segments[:3]
    assert removable(segments, "", [[stretch(1, 7, 1)]]) == []


def test_a_segment_that_cannot_be_read_is_promised_by_no_snapshot(host: ClinicHost) -> None:
    config = host.with_files()
    spool = Spool(host.root / "7")
    spool.directory.mkdir()
    (spool.directory / segment(1)).write_bytes(b"log")
    (spool.directory / segment(2)).symlink_to(segment(2))
    storing, local = _Storing(config, []), config.repository("local")
    with pytest.raises(BackupError) as caught:
        storing._store_locally(local, config.policy("his"), spool)
    assert (caught.value.cause.code, caught.value.cause.place) == (
        "source_unreadable",
        str(spool.directory / segment(2)),
    )
    assert repository.snapshots(local) == []
    (spool.directory / segment(2)).unlink()
    (spool.directory / segment(2)).write_bytes(b"log")
    assert len(storing._store_locally(local, config.policy("his"), spool)) == 1
