"""The nightly job beside plain ``restic backup`` with the same arguments, on the same server, in the same run.

Three spans are measured: ``call``, from the order to back up to its result (the work that plain restic does, too);
``backup``, which also hashes a sample of the files, writes the manifest and sees that the snapshot is listed; and the
whole ``run`` with its checks.  The first is asserted; the others buy something that plain restic does not give.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backup.repositories import restic
from tests.backup import tools
from tests.backup.clinic_host import ClinicHost
from tests.backup.conftest import new_host

pytestmark = pytest.mark.bench
MIB = 1024 * 1024
MOST_FIRST = 1.03
MOST_SECOND = 1.10
MOST_BYTES = 40 * MIB
# Interleaved rounds; more of them only while other work on the machine hides the answer.
ROUNDS, MOST_ROUNDS = 3, 6


@dataclass(frozen=True)
class Ours:
    """Seconds of each span, of our process's own CPU in the call, and the most memory that it had, in bytes."""

    call: float
    own_cpu: float
    backup: float
    run: float
    peak: int


@pytest.fixture
def hosts(
    programs: tools.Tools, restic_on_path: None, made_repositories: Path, tmp_path: Path
) -> Iterator[Callable[[str], ClinicHost]]:
    """Make hosts with new repositories; each has servers of its own."""
    opened = []

    def make(name: str) -> ClinicHost:
        (tmp_path / name).mkdir()
        context = new_host(tmp_path / name, programs, made_repositories)
        opened.append(context)
        return context.__enter__()

    yield make
    for context in opened:
        context.__exit__(None, None, None)


def ours(host: ClinicHost, data: Path) -> Ours:
    """Run the policy in a fresh process."""
    host.configure([{"paths": [str(data)]}])
    settings = json.loads(host.config_path.read_text()) | {"offsite": None}
    host.config_path.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "tests.bench.one_run", str(host.config_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    return Ours(**said)


def plain(host: ClinicHost, data: Path) -> float:
    """Run restic as the job would, and nothing else; return the seconds."""
    config = host.configure([{"paths": [str(data)]}])
    repository = config.repository("local")
    tags = ("run=plain", "policy=his", "kind=set")
    command = ["restic", "--json", *restic.backup_command("his1", tags, [data], (), None)]
    began = time.monotonic()
    subprocess.run(command, env=restic.environment(repository), stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def least(measured: list[Ours]) -> Ours:
    """Return the least time of each span and the most memory."""
    spans = ("call", "own_cpu", "backup", "run")
    times = {span: min(getattr(one, span) for one in measured) for span in spans}
    return Ours(**times, peak=max(one.peak for one in measured))


def compare(
    measure_ours: Callable[[int], Ours], measure_plain: Callable[[int], float], most: float
) -> tuple[Ours, float]:
    """Take turns, and return our least and plain restic's second best, which one lucky round does not decide."""
    own: list[Ours] = []
    peers: list[float] = []
    for number in range(MOST_ROUNDS):
        peers.append(measure_plain(number))
        own.append(measure_ours(number))
        if number + 1 >= ROUNDS and least(own).call <= most * sorted(peers)[1]:
            break
    return least(own), sorted(peers)[1]


def table(title: str, found: Ours, peer: float) -> str:
    lines = [f"\n{title:44} {'seconds':>8} {'ratio':>8}", f"{'plain restic backup':44} {peer:8.2f} {1:8.3f}"]
    for name, seconds in (
        ("ours: the same call", found.call),
        ("  of it our own process's CPU", found.own_cpu),
        ("ours: with sample, manifest and listing", found.backup),
        ("ours: the whole run with its checks", found.run),
    ):
        lines.append(f"{name:44} {seconds:8.2f} {seconds / peer:8.3f}")
    return "\n".join([*lines, f"{'our process beside restic, MiB':44} {found.peak / MIB:8.1f}"])


def record(n: int) -> str:
    """Return one row as a dump has it."""
    day = f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}"
    return f"{n}\t患者{n % 9973}\t{day}\t{n * 7919 % 99991}\t复诊 {n * n % 65537:x}\n"


def mixed(directory: Path) -> Path:
    """Write 1 GB: a half of random bytes, a third of text like a dump's, the rest as 20 000 small files."""
    chance = random.Random(1)  # noqa: S311 — the same data each time
    directory.mkdir()
    for number in range(8):
        (directory / f"random{number}").write_bytes(chance.randbytes(64 * MIB))
    row = 0
    for number in range(6):
        with (directory / f"text{number}").open("w") as text:
            while text.tell() < 64 * MIB:
                text.write("".join(map(record, range(row, row + 10_000))))
                row += 10_000
    small(directory / "small", 20_000, lambda: chance.randbytes(chance.randrange(500, 16_000)))
    return directory


def small(directory: Path, count: int, content: Callable[[], bytes]) -> Path:
    for number in range(count):
        folder = directory / f"{number // 1000:03d}"
        if number % 1000 == 0:
            folder.mkdir(parents=True)
        (folder / f"{number:06d}").write_bytes(content())
    return directory


def test_a_first_backup_of_a_gigabyte_costs_what_restic_costs(
    hosts: Callable[[str], ClinicHost], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = mixed(tmp_path / "mixed")
    found, peer = compare(
        lambda number: ours(hosts(f"ours{number}"), data),
        lambda number: plain(hosts(f"plain{number}"), data),
        MOST_FIRST,
    )
    with capsys.disabled():
        print(table("first backup of 1 GB of mixed data", found, peer))
    assert found.call / peer <= MOST_FIRST
    assert found.own_cpu / peer <= MOST_FIRST - 1
    assert found.peak <= MOST_BYTES


def test_a_second_backup_of_a_hundred_thousand_files_costs_what_restic_costs(
    hosts: Callable[[str], ClinicHost], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = small(tmp_path / "many", 100_000, lambda: b"record\n")
    own, other = hosts("ours"), hosts("plain")
    plain(other, data)
    ours(own, data)
    found, peer = compare(lambda _: ours(own, data), lambda _: plain(other, data), MOST_SECOND)
    with capsys.disabled():
        print(table("second backup of 100 000 unchanged files", found, peer))
    assert found.call / peer <= MOST_SECOND
    assert found.peak <= MOST_BYTES
