"""The guard: attacked and broken nights are told, quiet ones are not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup.repositories.repository import Snapshot
from backup.rules import guard, guard_words
from tests.keeper.nights import DAY, FIRST, copied, dump, night, quiet, seal

HOUR = timedelta(hours=1)
MEGABYTE = 1_000_000


def codes(before: list[Snapshot], fresh: list[Snapshot], **known: dict[str, dict[str, int]]) -> list[str]:
    everything = [*before, *fresh]
    now = max(item.time for item in everything if item.time < FIRST + 60 * DAY) + HOUR
    ids = {item.id for item in fresh}
    anomalies = guard.find(everything, now=now, fresh=ids, **known)
    assert [found.detail for found in anomalies if not guard_words.parse(found.detail)] == []
    return sorted({found.code for found in anomalies})


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        # The ransomware drill's numbers: 6 000 of 20 000 files encrypted and renamed.
        (
            {
                "files_new": 6000,
                "files_unmodified": 14_003,
                "bytes_added": 48 * MEGABYTE,
                "bytes_added_packed": 46600000,
            },
            ["incompressible", "mass_change"],
        ),
        # Encrypted in place, all of it.
        (
            {
                "files_new": 0,
                "files_changed": 20_002,
                "files_unmodified": 0,
                "bytes_added": 157 * MEGABYTE,
                "bytes_added_packed": 156 * MEGABYTE,
            },
            ["incompressible", "mass_change", "sudden_growth"],
        ),
        ({"files_new": 0, "files_changed": 1, "files_unmodified": 15_000}, ["mass_deletion"]),
        ({"files_new": 9, "bytes_added": 140 * MEGABYTE, "bytes_added_packed": 9 * MEGABYTE}, ["sudden_growth"]),
        # Quiet: a few new photos, a folder of 90 files tidied away, a good import that compresses, nothing at all.
        ({"files_new": 40, "bytes_added": 60 * MEGABYTE, "bytes_added_packed": 59 * MEGABYTE}, []),
        ({"files_new": 0, "files_unmodified": 19_910}, []),
        ({"files_new": 1500, "bytes_added": 30 * MEGABYTE, "bytes_added_packed": 9 * MEGABYTE}, []),
        (
            {"files_new": 0, "files_changed": 1, "files_unmodified": 20_001, "bytes_added": 0, "bytes_added_packed": 0},
            [],
        ),
    ],
)
def test_a_night_after_two_quiet_weeks(numbers: dict[str, int], expected: list[str]) -> None:
    assert codes(quiet(14), night(14, **numbers)) == expected


def test_quiet_nights_from_the_first_on_say_nothing() -> None:
    everything = quiet(40)
    for number in range(1, 41):
        assert codes(everything[: 2 * (number - 1)], everything[2 * (number - 1) : 2 * number]) == []


def test_a_policy_whose_files_always_change_is_told_only_when_far_more_do() -> None:
    busy = {"files_changed": 5000, "files_unmodified": 15_000}
    assert codes(quiet(14, **busy), night(14, files_changed=6000, files_unmodified=14_000)) == []
    assert codes(quiet(14, **busy), night(14, files_changed=18_000, files_unmodified=2000)) == ["mass_change"]


def test_on_the_second_night_only_what_is_drastic_is_told() -> None:
    assert codes(quiet(1), night(1, files_changed=4000, files_unmodified=16_000)) == []
    assert codes(quiet(1), night(1, files_changed=9000, files_unmodified=11_000)) == ["mass_change"]


def test_a_small_host_may_change_all_of_its_few_files() -> None:
    small = {"files_new": 0, "files_changed": 3, "files_unmodified": 40, "bytes_processed": 100_000}
    changed = {"files_new": 20, "files_changed": 40, "files_unmodified": 3, "bytes_added": 90_000}
    assert codes(quiet(14, **small), night(14, **changed)) == []


def test_a_policy_with_another_path_is_a_new_beginning() -> None:
    dumped, sealed = night(14, files_new=30_000, files_changed=0, files_unmodified=0, bytes_added=900 * MEGABYTE)
    assert codes(quiet(14), [dumped, replace(sealed, paths=(*sealed.paths, "/srv/pacs"))]) == []


@pytest.mark.parametrize(
    ("dumps", "expected"),
    [
        ({"size": 15 * MEGABYTE}, ["small_dump"]),
        ({"size": 25 * MEGABYTE}, []),
        ({"size": 40 * MEGABYTE, "added": 40 * MEGABYTE, "packed": 39 * MEGABYTE}, ["incompressible"]),
        # Rewritten by VACUUM FULL: all is new, but it compresses as ever.
        ({"size": 40 * MEGABYTE, "added": 40 * MEGABYTE, "packed": 9 * MEGABYTE}, []),
    ],
)
def test_a_dump_is_compared_with_the_one_before(dumps: dict[str, int], expected: list[str]) -> None:
    at = FIRST + 14 * DAY
    assert codes(quiet(14), [dump(at, **dumps), seal(at)]) == expected


def test_a_dump_that_is_missing_is_told_once() -> None:
    without = [seal(FIRST + 14 * DAY)]
    assert codes(quiet(14), without) == ["small_dump"]
    assert codes([*quiet(14), *without], [seal(FIRST + 15 * DAY)]) == []


def test_a_time_in_the_future_or_before_what_was_there_is_odd() -> None:
    assert codes(quiet(14), [seal(FIRST + 1000 * DAY)]) == ["odd_time"]
    backdated = FIRST + 12 * DAY + HOUR
    assert codes(quiet(14), [dump(backdated), seal(backdated)]) == ["odd_time"]
    assert codes(quiet(14), [copied(dump(backdated)), copied(seal(backdated))]) == []


def test_a_time_given_by_hand_is_odd() -> None:
    honest = seal(FIRST + 14 * DAY)
    assert codes(quiet(14), [honest]) == ["small_dump"]
    assert "odd_time" in codes(quiet(14), [replace(honest, time=honest.time + 3 * HOUR)])
    faked = replace(honest, tags=("run=20200101T000000Z-his-0a1b2c", *honest.tags[1:]))
    assert "odd_time" in codes(quiet(14), [faked])
    assert "odd_time" not in codes(quiet(14), [replace(honest, tags=("run=by-hand", *honest.tags[1:]))])


def test_one_faked_snapshot_a_day_is_told_within_a_week() -> None:
    everything, told = quiet(14), 0
    for day in range(14, 21):
        everything += night(day)
        fake = [dump(FIRST + day * DAY + 21 * HOUR), seal(FIRST + day * DAY + 21 * HOUR)]
        found = codes(everything, fake)
        everything += fake
        told += found == ["many_snapshots"]
    assert told >= 2


def test_a_few_runs_by_hand_are_no_attack_but_a_swarm_is() -> None:
    by_hand = [seal(FIRST + 13 * DAY + n * HOUR) for n in range(1, 5)]
    assert "many_snapshots" not in codes([*quiet(14), *by_hand[:-1]], by_hand[-1:])
    swarm = [seal(FIRST + 13 * DAY + n * HOUR) for n in range(1, 12)]
    assert "many_snapshots" in codes([*quiet(14), *swarm[:-1]], swarm[-1:])


def test_new_extensions_on_many_files_are_told() -> None:
    before, fresh = quiet(3), night(3)
    usual = {".pdf": 9000, ".jpg": 6000, "": 5000}
    locked = {".pdf": 6000, ".jpg": 4000, "": 4000, ".locked": 6000}
    known = {before[-1].id: usual, fresh[-1].id: locked}
    assert codes(before, fresh, extensions=known) == ["changed_types"]
    assert codes(before, fresh, extensions=known | {fresh[-1].id: usual | {".pdf": 15_000, ".heic": 90}}) == []
    assert codes(before, fresh, extensions={fresh[-1].id: locked}) == []
    assert codes(before, fresh, extensions=known | {fresh[-1].id: usual | {"*": 4000}}) == ["changed_types"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.PDF", ".pdf"), (".bashrc", ""), ("README", ""), ("x.tar.gz", ".gz"), ("a." + "b" * 17, ""), ("end.", ".")],
)
def test_an_extension(name: str, expected: str) -> None:
    assert guard.extension(name) == expected


def test_extensions_are_counted_in_a_small_table() -> None:
    small = guard.table({f".{n}": 2 for n in range(500)} | {".pdf": 900})
    assert len(small) == 41
    assert small[".pdf"] == 900
    assert small["*"] == 922


def test_snapshots_without_numbers_and_other_policies_runs_are_no_reason() -> None:
    bare = [replace(item, summary=None) for item in quiet(3)]
    assert codes(bare, night(3)) == []
    assert guard.find([], now=FIRST, fresh=set()) == []
