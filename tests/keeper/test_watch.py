"""The watch: space and its end, the ballast, refused deletions, and what a full disk still allows."""

import contextlib
import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from backup import process
from backup.config.policy import Retention
from backup.keeper import refused, space
from backup.keeper.cli import watch as watch_command
from backup.keeper.keep import keep_all
from backup.keeper.watch import watch
from backup.night.recorder import now_utc
from backup.repositories import rest_server
from backup.status import Outcome, RefusedDelete, RepositoryState, read_repositories, read_space, write_repository
from tests.backup.clinic_host import ClinicHost, both, run
from tests.backup.servers import RestServer, await_port
from tests.keeper.keeper_host import Keepers, check_all
from tests.keeper.nights import DAY, FIRST

MEGABYTE = 1024 * 1024
GIGABYTE = 1024 * MEGABYTE


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small tmpfs")
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", path], check=True, timeout=30)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True, timeout=30)


def states(*sizes: int) -> RepositoryState:
    days = tuple(((FIRST + n * DAY).date().isoformat(), size) for n, size in enumerate(sizes))
    return RepositoryState("console1", "his1", "local", FIRST, sizes=days)


def test_growth_is_the_median_day_so_that_retention_and_an_import_do_not_matter() -> None:
    assert space.growth_bytes_per_day([]) is None
    assert space.growth_bytes_per_day([states(10, 20, 30)]) is None
    assert space.growth_bytes_per_day([states(100, 110, 120, 900, 910, 400, 410, 420)]) == 10
    assert space.growth_bytes_per_day([states(10, 20, 30, 40), states(5, 6, 7, 8), states(3)]) == 11
    missed = replace(
        states(), sizes=(("2026-03-01", 100), ("2026-03-11", 200), ("2026-03-12", 210), ("2026-03-13", 220))
    )
    assert space.growth_bytes_per_day([missed]) == 10
    assert space.days_until_full(1000, 10) == 100
    assert space.days_until_full(1000, 0) is None
    assert space.days_until_full(1000, -5) is None


def test_the_ballast_is_small_on_a_small_disk() -> None:
    assert space.ballast_size(GIGABYTE, 4000 * GIGABYTE) == GIGABYTE
    assert space.ballast_size(GIGABYTE, 10 * GIGABYTE) == 10 * GIGABYTE // 50
    assert space.ballast_size(0, 4000 * GIGABYTE) == 0


def test_the_ballast_is_given_up_on_a_full_disk_and_made_again_when_there_is_room(
    host: ClinicHost, small_disk: Path
) -> None:
    (small_disk / "his1").mkdir()
    config = Keepers(host).configure("local", directory=str(small_disk), ballast_bytes=GIGABYTE)
    first = watch(config, [], now_utc)
    assert first.ballast_bytes == 2 * MEGABYTE
    assert first.total_bytes == 100 * MEGABYTE
    assert read_space(config.space) == first
    filler = small_disk / "filler"
    with filler.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, space.measure(small_disk).free - 100_000)
    full = watch(config, [], now_utc)
    assert full.ballast_bytes == 0
    assert full.released_at is not None
    assert full.free_bytes > 2 * MEGABYTE - 100_000
    assert json.loads((small_disk / "his1/space/config").read_text())["free_bytes"] == full.free_bytes
    still = watch(config, [], now_utc)
    assert (still.ballast_bytes, still.released_at) == (0, full.released_at)
    filler.unlink()
    again = watch(config, [], now_utc)
    assert (again.ballast_bytes, again.released_at) == (2 * MEGABYTE, None)


def test_on_a_full_disk_the_ballast_lets_the_keeper_make_room(host: ClinicHost, small_disk: Path) -> None:
    """Old nights are due to go; without a free byte nothing could even be locked."""
    config = host.with_files()
    keepers = Keepers(host)
    # What all nights have in common gets packs of its own: without room, prune removes only packs that nobody needs.
    run(config)
    for _ in range(2):
        (host.files / "scan.dcm").write_bytes(os.urandom(25 * MEGABYTE))
        run(config)
    path = keepers.path("offsite")
    shutil.copytree(path, small_disk / "his1")
    kept = keepers.configure("offsite", directory=str(small_disk), ballast_bytes=GIGABYTE)
    soon = replace(kept.hosts[0], policies={"his": Retention(within=timedelta(seconds=1))})
    kept = replace(kept, hosts=(soon,))
    assert watch(kept, [], now_utc).ballast_bytes == 2 * MEGABYTE
    with (small_disk / "filler").open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, space.measure(small_disk).free)
    assert space.measure(small_disk).free == 0
    assert watch(kept, [], now_utc).released_at is not None
    (state,) = keep_all(kept)
    assert state.outcome is Outcome.SUCCESS, state.cause
    assert (state.sets, state.removed) == (1, 2)
    assert space.measure(small_disk).free > 20 * MEGABYTE
    check_all(kept.repository("his1"))


def test_the_ballast_goes_before_anything_is_written_on_the_full_disk(
    host: ClinicHost, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state, the cursor of the log and the repositories are on one disk, as on the appliance."""
    (small_disk / "state/repositories").mkdir(parents=True)
    (small_disk / "state/keeper").mkdir()
    keepers = Keepers(host)
    config = keepers.configure(
        "local", directory=str(small_disk), state_directory=str(small_disk / "state"), ballast_bytes=GIGABYTE
    )
    assert watch(config, [], now_utc).ballast_bytes == 2 * MEGABYTE
    write_repository(config.repositories, RepositoryState("console1", "his1", "local", FIRST))  # it died of it
    with (small_disk / "filler").open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, space.measure(small_disk).free)

    def journalctl_standin(command: list[str], _environment: object, **_more: object) -> int:
        try:
            Path(command[-1].removeprefix("--cursor-file=")).write_text("cursor")
        except OSError:
            return 1
        return 0

    monkeypatch.setattr(process, "run", journalctl_standin)
    done = CliRunner().invoke(watch_command, ["--config", str(keepers.config_path("local"))])
    assert (done.exit_code, "no ballast" in done.output) == (0, True), done.output
    (state,) = read_repositories(config.repositories)
    assert state.outcome is Outcome.INTERRUPTED


def test_the_free_space_reaches_the_host_through_the_server(host: ClinicHost) -> None:
    local, _ = both(host.with_files())
    config = Keepers(host).configure("local")
    state = watch(config, [], now_utc)
    assert rest_server.request(local, "GET", "space/config") == http.HTTPStatus.OK
    assert json.loads((config.path("his1") / "space/config").read_text())["free_bytes"] == state.free_bytes
    assert run(host.with_files()).outcome is Outcome.SUCCESS


def test_a_round_that_died_is_told_as_interrupted(host: ClinicHost) -> None:
    config = Keepers(host).configure("local")
    config.memories.mkdir()
    write_repository(config.repositories, RepositoryState("console1", "his1", "local", FIRST))
    watch(config, [], now_utc)
    (state,) = read_repositories(config.repositories)
    assert state.outcome is Outcome.INTERRUPTED
    assert state.cause is not None
    assert state.cause.detail == "the keeper ended during: between two steps"


LOG = '192.0.2.7:41234 - - [02/Mar/2026:02:00:01 +0800] "DELETE /his1/{path} HTTP/1.1" {status} 10 "" "restic/0.18.0"'
ZEROS, SOME = "0" * 64, "ab" * 32


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        (f"data/{SOME}", 403, True),
        (f"snapshots/{SOME}", 405, True),
        ("config", 403, True),
        (f"data/{ZEROS}", 403, False),
        (f"snapshots/{ZEROS}", 403, False),
        (f"keys/{ZEROS}", 403, True),
        (f"locks/{SOME}", 200, False),
        (f"data/{SOME}", 401, False),
    ],
)
def test_a_line_of_the_log(path: str, status: int, *, told: bool) -> None:
    found = refused.parse(LOG.format(path=path, status=status))
    expected = RefusedDelete(datetime(2026, 3, 1, 18, 0, 1, tzinfo=UTC), "his1", "192.0.2.7", path)
    assert found == (expected if told else None)


@pytest.mark.parametrize("line", ["", "x" * 100_000, 'a - - [] "DELETE /h/x HTTP/1.1" 403 ', LOG[:60]])
def test_what_is_no_line_of_the_log_is_passed_over(line: str) -> None:
    assert refused.parse(line) is None


def test_the_real_server_logs_a_stolen_keys_deletion(host: ClinicHost) -> None:
    local, _ = both(host.with_files())
    server: RestServer = host.local_server
    server.stop()
    assert server.certificate is not None
    certificate, key = server.certificate
    command = [str(server.program), "--listen", f"127.0.0.1:{server.port}", "--path", str(server.data), "--log", "-"]
    command += ["--append-only", "--private-repos", "--htpasswd-file", str(server.directory / ".htpasswd")]
    command += ["--tls", "--tls-cert", str(certificate), "--tls-key", str(key)]
    log = server.directory / "access.log"
    with log.open("wb") as stream:
        server_process = subprocess.Popen(command, stdout=stream, stderr=stream)
    try:
        await_port(server.port)
        for path in (f"data/{ZEROS}", f"data/{SOME}", f"snapshots/{SOME}", "config"):
            assert rest_server.request(local, "DELETE", path) == http.HTTPStatus.FORBIDDEN
        stranger = replace(local, http_password="guessed")
        assert rest_server.request(stranger, "DELETE", f"data/{SOME}") == http.HTTPStatus.UNAUTHORIZED
    finally:
        server_process.terminate()
        server_process.wait(30)
    found = [item for line in log.read_text().splitlines() if (item := refused.parse(line))]
    assert [(item.host, item.address, item.path) for item in found] == [
        ("his1", "127.0.0.1", path) for path in (f"data/{SOME}", f"snapshots/{SOME}", "config")
    ]
    assert all(abs(item.at - now_utc()) < timedelta(minutes=2) for item in found)


def test_a_refused_deletion_that_could_not_be_stored_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = tmp_path / "journal.cursor"

    def journalctl_standin(
        command: list[str], _environment: object, *, on_line: Callable[[process.Source, str], None], **_more: object
    ) -> int:
        own = Path(command[-1].removeprefix("--cursor-file="))
        if not own.exists():
            on_line(process.Source.STDOUT, LOG.format(path="config", status=403))
        own.write_text("after it")
        return 0

    monkeypatch.setattr(process, "run", journalctl_standin)
    with contextlib.suppress(OSError), refused.reading_journal(cursor):
        raise OSError("the disk is full")
    with refused.reading_journal(cursor) as found:
        assert [item.path for item in found] == ["config"]
    with refused.reading_journal(cursor) as found:
        assert found == []
    assert list(tmp_path.iterdir()) == [cursor]


def test_a_refused_deletion_that_is_found_again_is_told_once(host: ClinicHost) -> None:
    config = Keepers(host).configure("local")
    one = RefusedDelete(FIRST, "his1", "192.0.2.7", "config")
    watch(config, [one], now_utc)
    assert watch(config, [one], now_utc).refused_deletes == (one,)


def test_refused_deletions_are_remembered_newest_last(host: ClinicHost) -> None:
    config = Keepers(host).configure("local")
    many = [RefusedDelete(FIRST + n * timedelta(minutes=1), "his1", "192.0.2.7", f"data/{n}") for n in range(60)]
    watch(config, many[:40], now_utc)
    state = watch(config, many[40:], now_utc)
    assert state.refused_deletes == tuple(many[10:])
