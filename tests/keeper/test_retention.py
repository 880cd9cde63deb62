"""Retention: which sets stay, compared with restic's own forget, and with what an attacker could add."""

import itertools
import json
import os
import random
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from backup.config.policy import Retention
from backup.repositories.repository import Snapshot
from backup.rules.retention import Decision, decide
from tests.backup.tools import Tools
from tests.keeper.nights import DAY, FIRST, copied, dump, identity, seal

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)


def decided(snapshots: list[Snapshot], retention: Retention, now: datetime | None = None) -> Decision:
    moment = now or max(item.time for item in snapshots) + HOUR
    return decide(snapshots, retention, now=moment, zone=SHANGHAI)


def sets(times: list[datetime]) -> list[Snapshot]:
    return [item for at in times for item in (dump(at), seal(at))]


def days_ago(decision: Decision, snapshots: list[Snapshot]) -> list[int]:
    newest = max(item.time for item in snapshots)
    kept = [item for item in snapshots if item.id in decision.keep and item.tag("kind") == "set"]
    return sorted((newest - item.time).days for item in kept)


@pytest.mark.parametrize(
    ("retention", "expected"),
    [
        (Retention(within=5 * DAY), [0, 1, 2, 3, 4]),
        (Retention(within=2 * DAY, daily=4 * DAY), [0, 1, 2, 3]),
        # FIRST is Monday 02:00 in Shanghai; day 40 is a Saturday.
        (Retention(within=2 * DAY, weekly=30 * DAY), [0, 1, 6, 13, 20, 27]),
        (Retention(within=DAY, monthly=60 * DAY), [0, 11, 40]),
        (Retention(within=DAY, yearly=365 * DAY), [0, 40]),
    ],
)
def test_a_night_a_day_is_thinned_by_age(retention: Retention, expected: list[int]) -> None:
    everything = sets([FIRST + n * DAY for n in range(41)])
    assert days_ago(decided(everything, retention), everything) == expected


def test_a_set_stays_and_goes_as_a_whole() -> None:
    everything = sets([FIRST + n * DAY for n in range(10)])
    decision = decided(everything, Retention(within=3 * DAY))
    assert len(decision.keep) == 6
    assert len(decision.remove) == 14
    assert set(decision.remove.values()) == {"its set is no longer kept"}


def test_what_a_dead_run_left_goes_after_two_days_but_not_while_a_copy_may_be_going_on() -> None:
    now = FIRST + 10 * DAY
    everything = [*sets([now - DAY]), dump(now - 3 * DAY), dump(now - 47 * HOUR), replace(dump(FIRST), tags=())]
    old, young, foreign = (item.id for item in everything[2:])
    retention = Retention(within=90 * DAY)
    decision = decided(everything, retention, now)
    assert decision.remove == {old: "left over from a run that sealed no set"}
    assert decision.keep[young] == ("its run may still be going on",)
    assert decision.keep[foreign] == ("of no run",)
    just_copied = decide(everything, retention, now=now, zone=SHANGHAI, arrived={old: now - HOUR})
    assert just_copied.remove == {}


def test_a_seal_without_a_run_speaks_for_nothing_else_that_has_none() -> None:
    """Somebody's own ``restic backup --tag policy=his,kind=set`` once took every log with it when it grew old."""
    now = FIRST + 100 * DAY
    runless = replace(seal(FIRST), tags=("policy=his", "kind=set"))
    log = replace(dump(now - HOUR), tags=("policy=his", "kind=wal"))
    decision = decided([*sets([now - DAY]), runless, log], Retention(within=30 * DAY), now)
    assert decision.remove == {}
    assert decision.keep[log.id] == ("log",)
    assert decision.keep[runless.id] == ("of no run",)


def test_a_faked_snapshot_of_every_evening_pushes_no_good_night_out() -> None:
    good = sets([FIRST + n * DAY for n in range(14)])
    fake = sets([FIRST + n * DAY + 21 * HOUR for n in range(14)])
    decision = decided(good + fake, Retention(within=15 * DAY))
    assert {item.id for item in good} <= set(decision.keep)


def test_a_snapshot_of_the_future_moves_nothing_and_stays_for_a_person_to_look_at() -> None:
    good, now = sets([FIRST + n * DAY for n in range(20)]), FIRST + 19 * DAY + HOUR
    retention = Retention(within=7 * DAY, daily=14 * DAY)
    before = decided(good, retention, now)
    fake = seal(FIRST + 1000 * DAY)
    after = decided([*good, fake], retention, now)
    assert after.remove == before.remove
    assert after.keep == dict(before.keep) | {fake.id: ("of the future",)}
    assert decided([fake], retention, now).remove == {}


def test_a_second_seal_with_an_old_date_does_not_take_a_good_set_away() -> None:
    good = sets([FIRST + n * DAY for n in range(5)])
    fake = replace(good[-1], id="f" * 64, time=FIRST - 900 * DAY)
    assert decided([*good, fake], Retention(within=30 * DAY)).remove == {}


def test_a_host_that_was_off_for_a_year_loses_nothing() -> None:
    everything = sets([FIRST + n * DAY for n in range(7)])
    assert decided(everything, Retention(within=7 * DAY), FIRST + 400 * DAY).remove == {}


def test_copies_are_decided_like_their_originals() -> None:
    everything = sets([FIRST + n * DAY for n in range(30)])
    retention = Retention(within=3 * DAY, weekly=30 * DAY)
    local, vault = decided(everything, retention), decided([copied(item) for item in everything], retention)
    assert [copied(item).id in vault.keep for item in everything] == [item.id in local.keep for item in everything]


@pytest.mark.parametrize("seed", range(20))
def test_what_was_kept_never_depends_on_what_was_removed(seed: int) -> None:
    """A second round right after the first removes nothing, and a longer duration never removes more."""
    chance = random.Random(seed)  # noqa: S311
    everything = sets(sorted({FIRST + chance.randrange(100 * 24) * HOUR for _ in range(60)}))
    some = Retention(
        **{
            name: chance.randrange(1, 60) * DAY
            for name in ("within", *chance.sample(["hourly", "daily", "weekly", "monthly", "yearly"], 3))
        }
    )
    first = decided(everything, some)
    assert decided([item for item in everything if item.id in first.keep], some).remove == {}
    assert set(first.keep) | set(first.remove) == {item.id for item in everything}
    longer = decided(everything, replace(some, within=some.within + 20 * DAY))
    assert set(longer.remove) <= set(first.remove)


def log(at: datetime, first: int, last: int) -> Snapshot:
    tags = ("policy=his", "kind=wal", "system=7", f"from={first:024X}", f"to={last:024X}")
    return Snapshot(identity("wal", at, first), at, "his1", tags, ("/var/lib/spool",))


def test_a_databases_log_stays_while_it_can_be_replayed_on_a_base() -> None:
    nights = sets([FIRST + n * DAY for n in range(40)])
    bases = [replace(item, tags=(*item.tags[:2], "kind=base")) for item in nights if item.tag("kind") == "dump"]
    everything = [*bases, *(item for item in nights if item.tag("kind") == "set")]
    logs = [log(FIRST + n * DAY + HOUR, n, n + 1) for n in range(40)]
    decision = decided([*everything, *logs], Retention(within=10 * DAY))
    kept = [item for item in logs if item.id in decision.keep]
    assert [item.time for item in kept] == [FIRST + n * DAY + HOUR for n in range(29, 40)]
    swallowing = log(FIRST + 39 * DAY + 2 * HOUR, 0, 2**40)
    attacked = decided([*everything, *logs, swallowing], Retention(within=10 * DAY))
    assert {item.id for item in logs[-7:]} <= set(attacked.keep)
    assert logs[30].id in attacked.remove


POLICIES = [
    Retention(within=5 * DAY),
    Retention(within=2 * DAY, daily=20 * DAY),
    Retention(within=6 * HOUR, hourly=3 * DAY, weekly=70 * DAY),
    Retention(within=DAY, daily=9 * DAY, weekly=40 * DAY, monthly=200 * DAY, yearly=900 * DAY),
]


def test_restic_itself_would_keep_the_same(programs: Tools, tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "RESTIC_REPOSITORY": str(tmp_path / "repository"),
        "RESTIC_PASSWORD": "for a test",
        "RESTIC_CACHE_DIR": str(tmp_path / "cache"),
        "TZ": "Asia/Shanghai",
    }

    def restic(*arguments: str) -> str:
        command = [str(programs.restic), *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout

    restic("init")
    now = datetime.now(SHANGHAI).replace(microsecond=0)
    ages = [1 * HOUR, 90 * HOUR / 60, 3 * HOUR, 20 * HOUR, 26 * HOUR, 27 * HOUR]
    ages += [n * DAY + 5 * HOUR for n in (3, 4, 8, 9, 12, 19, 33, 65, 150, 420)]
    (tmp_path / "file").write_text("the same\n")
    for age in ages:
        at = f"{now - age:%Y-%m-%d %H:%M:%S}"
        tags = f"run={(now - age):%Y%m%dT%H%M%S}-his,policy=his,kind=set"
        restic("backup", "--quiet", "--host", "his1", "--tag", tags, "--time", at, str(tmp_path / "file"))
    snapshots = [
        Snapshot(item["id"], datetime.fromisoformat(item["time"]), "his1", tuple(item["tags"]), tuple(item["paths"]))
        for item in json.loads(restic("snapshots", "--json"))
    ]
    assert len(snapshots) == len(ages)
    for retention in POLICIES:
        names = {"within": "--keep-within"} | {
            name: f"--keep-within-{name}" for name in ("hourly", "daily", "weekly", "monthly", "yearly")
        }
        durations = [
            (option, f"{int(duration / HOUR)}h")
            for name, option in names.items()
            if (duration := getattr(retention, name))
        ]
        said = restic("forget", "--dry-run", "--json", "--group-by", "", *itertools.chain.from_iterable(durations))
        kept = {item["id"] for item in json.JSONDecoder().raw_decode(said)[0][0]["keep"]}
        assert set(decide(snapshots, retention, now=now, zone=SHANGHAI).keep) == kept, retention
