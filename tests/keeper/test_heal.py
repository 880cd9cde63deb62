"""Damage is found, named, moved aside and healed from the other repository; nothing is deleted before that."""

import os
import shutil
from pathlib import Path

import pytest

from backup.config.policy import Retention
from backup.keeper import heal
from backup.keeper.aside import Aside, broken_files
from backup.repositories import repository
from backup.status import Outcome
from tests.backup.clinic_host import ClinicHost, both, run
from tests.keeper.keeper_host import Keepers, check_all, flip, outcomes, packs
from tests.keeper.nights import DAY, FIRST, copied, dump, quiet, seal


@pytest.fixture
def keepers(host: ClinicHost) -> Keepers:
    """Two nights are in both repositories, the second with a file that stays in a pack of its own."""
    config = host.with_files()
    run(config)
    (host.files / "scan.dcm").write_bytes(os.urandom(900_000))
    run(config)
    return Keepers(host)


def originals(host: ClinicHost, which: int) -> set[str]:
    return {item.original or item.id for item in repository.snapshots(both(host.with_files())[which])}


def test_a_flipped_byte_on_the_appliance_is_named_and_healed_from_the_vault_at_once(
    host: ClinicHost, keepers: Keepers, monkeypatch: pytest.MonkeyPatch
) -> None:
    local, _ = both(host.with_files())
    before = originals(host, 0)
    pack = packs(keepers.path("local"))[0]
    flip(pack)
    monkeypatch.setattr("backup.keeper.memory.Memory.parts_to_read", lambda *_: [part_of(pack)])
    state = keepers.keep("local")
    assert outcomes(state)["check"] == "warning"
    check = next(step for step in state.steps if step.name == "check")
    assert check.cause is not None
    assert check.cause.code == "repository_damaged"
    assert pack.name in check.cause.detail
    assert outcomes(state)["heal"] == outcomes(state)["copy_back"] == outcomes(state)["check_again"] == "success"
    assert state.outcome is Outcome.WARNING
    assert [step.cause.code for step in state.steps if step.name == "settle" and step.cause] == ["repository_healed"]
    assert pack.name in " ".join(step.cause.detail for step in state.steps if step.cause)
    assert (state.broken_packs, state.set_aside) == ((), ())
    assert originals(host, 0) == before
    assert not keepers.path("local").with_name("his1.aside").exists()
    assert "no errors were found" in check_all(local)
    assert run(host.with_files()).outcome is Outcome.SUCCESS
    assert keepers.keep("local").outcome is Outcome.SUCCESS


def part_of(pack: Path) -> int:
    """Return in which of 28 parts restic reads this pack."""
    return int(pack.name[:2], 16) % 28 + 1


def test_a_flipped_byte_at_the_vault_is_set_aside_until_the_host_copied_it_again(
    host: ClinicHost, keepers: Keepers, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, offsite = both(host.with_files())
    before = originals(host, 1)
    pack = packs(keepers.path("offsite"))[0]
    content = pack.read_bytes()
    flip(pack)
    monkeypatch.setattr("backup.keeper.memory.Memory.parts_to_read", lambda *_: [part_of(pack)])
    state = keepers.keep("offsite")
    assert outcomes(state)["heal"] == "success"
    assert state.broken_packs == (pack.name,)
    assert len(state.set_aside) == 1
    assert state.cause is not None
    assert "retention" not in outcomes(state)
    assert state.steps[-1].cause is not None
    assert state.steps[-1].cause.code == "repository_healing"
    aside = keepers.path("offsite").with_name("his1.aside")
    (moved,) = aside.glob(f"*/data/{pack.name}")
    assert moved.read_bytes() != content
    assert len(originals(host, 1)) == len(before) - 1
    check_all(offsite)
    waiting = keepers.keep("offsite")
    assert waiting.set_aside == state.set_aside
    assert aside.exists()
    night = run(host.with_files())
    assert night.outcome is Outcome.SUCCESS, night.cause
    settled = keepers.keep("offsite")
    assert settled.outcome is Outcome.SUCCESS
    assert (settled.broken_packs, settled.set_aside) == ((), ())
    assert not aside.exists()
    assert before < originals(host, 1)
    check_all(offsite)


def test_a_snapshot_without_another_copy_becomes_whole_when_the_same_data_is_stored_again(
    host: ClinicHost, keepers: Keepers, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = host.with_files()
    local, _ = both(config)
    alone = {"his1": {"policies": {"his": {"keep_within": "90d"}}, "other": None}}
    known = set(packs(keepers.path("local")))
    (host.files / "picture.dcm").write_bytes(os.urandom(700_000))
    repository.backup_paths(local, host="his1", tags=["kind=by-hand"], paths=[host.files])
    before = originals(host, 0)
    pack = next(path for path in packs(keepers.path("local")) if path not in known)
    flip(pack)
    monkeypatch.setattr("backup.keeper.memory.Memory.parts_to_read", lambda *_: [part_of(pack)])
    assert len(keepers.keep("local", hosts=alone).set_aside) == 1
    stored = repository.backup_paths(local, host="his1", tags=["kind=by-hand"], paths=[host.files])
    whole = keepers.keep("local", hosts=alone)
    assert whole.set_aside == ()
    assert originals(host, 0) == before | {stored.snapshot_id}
    check_all(local)


@pytest.mark.parametrize("kind", ["snapshots", "index", "keys"])
def test_a_broken_small_file_is_healed(host: ClinicHost, keepers: Keepers, kind: str) -> None:
    """A broken key file keeps restic from trying the good one beside it."""
    local, _ = both(host.with_files())
    before = originals(host, 0)
    directory = keepers.path("local") / kind
    if kind == "keys":
        shutil.copy(next(directory.iterdir()), directory / ("0" * 64))
    else:
        flip(next(directory.iterdir()))
    state = keepers.keep("local")
    assert state.outcome in {Outcome.WARNING, Outcome.SUCCESS}
    assert originals(host, 0) == before
    assert broken_files(keepers.path("local"), heal.ALL_KINDS) == []
    check_all(local)
    assert keepers.keep("local").outcome is Outcome.SUCCESS


def test_a_lost_pack_is_healed(host: ClinicHost, keepers: Keepers) -> None:
    local, _ = both(host.with_files())
    before = originals(host, 0)
    packs(keepers.path("local"))[-1].unlink()
    packs(keepers.path("local"))[0].unlink()
    assert keepers.keep("local").set_aside == ()
    assert originals(host, 0) == before
    check_all(local)


def test_a_repository_that_ransomware_encrypted_is_moved_aside_and_filled_again_from_the_vault(
    host: ClinicHost, keepers: Keepers
) -> None:
    config = host.with_files()
    before = originals(host, 0)
    for path in [path for path in keepers.path("local").rglob("*") if path.is_file()]:
        path.chmod(0o600)
        path.write_bytes(os.urandom(path.stat().st_size))
        path.rename(f"{path}.locked")
    state = keepers.keep("local")
    assert outcomes(state)["open"] == "warning"
    assert originals(host, 0) == before
    (aside,) = keepers.path("local").with_name("his1.aside").glob("*/repository")
    assert list(aside.rglob("*.locked"))
    check_all(both(config)[0])
    assert run(config).outcome is Outcome.SUCCESS


def test_an_empty_appliance_is_filled_again_from_the_vault(host: ClinicHost, keepers: Keepers) -> None:
    config = host.with_files()
    before = originals(host, 1)
    shutil.rmtree(keepers.path("local"))
    keepers.path("local").mkdir()
    state = keepers.keep("local")
    assert state.sets == 2
    assert originals(host, 0) == before
    check_all(both(config)[0])
    night = run(config)
    assert night.outcome is Outcome.SUCCESS, night.cause


def test_without_the_vault_a_destroyed_repository_is_left_as_it_is(host: ClinicHost, keepers: Keepers) -> None:
    (keepers.path("local") / "config").unlink()
    host.offsite_server.stop()
    state = keepers.keep("local")
    assert state.outcome is Outcome.FAILED
    assert state.cause is not None
    assert state.cause.code == "offsite_unreachable"
    assert packs(keepers.path("local"))


def test_a_wrong_password_is_our_mistake_and_moves_nothing(host: ClinicHost, keepers: Keepers) -> None:
    keepers.configure("offsite")
    wrong = host.root / "wrong.password"
    wrong.write_text("not this one")
    state = keepers.keep("offsite", password_file=str(wrong))
    assert state.cause is not None
    assert state.cause.code == "wrong_password"
    assert packs(keepers.path("offsite"))
    assert not keepers.path("offsite").with_name("his1.aside").exists()


def test_only_what_retention_keeps_and_what_is_sealed_comes_back() -> None:
    policies = {"his": Retention(within=5 * DAY)}
    there = [copied(item) for item in quiet(10)] + [copied(dump(FIRST + 9 * DAY + DAY / 3))]
    now = FIRST + 10 * DAY
    zone = FIRST.tzinfo
    assert zone is not None
    lacking = heal.lacking_here([], there, policies, now=now, zone=zone)
    assert [item.time for item in lacking] == [FIRST + n * DAY for n in range(5, 10) for _ in range(2)]
    here = [item for item in quiet(10) if item.time > FIRST + 7 * DAY]
    assert {item.time for item in heal.lacking_here(here, there, policies, now=now, zone=zone)} == {
        FIRST + n * DAY for n in (5, 6, 7)
    }
    future = copied(seal(FIRST + 400 * DAY))
    assert future not in heal.lacking_here(here, [*there, future], policies, now=now, zone=zone)


def test_a_note_that_a_power_cut_left_half_written_is_no_waiting_snapshot(tmp_path: Path) -> None:
    aside = Aside(tmp_path / "his1")
    note = tmp_path / "his1.aside/20260101T000000Z/snapshots/ab.json"
    note.parent.mkdir(parents=True)
    note.write_text('{"id": "ab"')
    assert aside.waiting() == {}
    aside.drop_settled()
    assert not aside.directory.exists()
