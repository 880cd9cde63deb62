"""File systems, of which one may hang for ever."""

import os
import queue
import threading
import time
from pathlib import Path

import pytest

from agent.collectors.filesystem import MAX_HUNG, Asker, FilesystemCollector, Mount, families, parse_mountinfo
from tests.agent.samples import key, samples

DATA = Path(__file__).parent / "data"
ROOT = os.statvfs("/")


def test_mounts_are_read_once_each_without_the_kernels_own():
    assert parse_mountinfo((DATA / "mountinfo").read_text()) == (
        Mount("/dev/vda1", "ext4", "/", readonly=False),
        Mount("tmpfs", "tmpfs", "/run", readonly=False),
        Mount("/dev/vdb", "xfs", "/srv/medical images", readonly=True),
        Mount("198.18.0.20:/pacs", "nfs4", "/mnt/pacs", readonly=False),
    )


def test_a_root_on_an_overlay_is_watched():
    line = "988 918 0:103 / / rw,relatime shared:402 - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w\n"
    assert parse_mountinfo(line) == (Mount("overlay", "overlay", "/", readonly=False),)


def test_of_two_file_systems_on_one_mount_point_only_the_upper_one_is_given():
    lower = "30 20 0:30 / /srv rw - ext4 /dev/vdb rw"
    upper = "31 30 0:31 / /srv ro - xfs /dev/vdc ro"
    assert parse_mountinfo(f"{lower}\n{upper}\n") == (Mount("/dev/vdc", "xfs", "/srv", readonly=True),)


def test_this_machines_root_agrees_with_statvfs():
    found = samples(FilesystemCollector().collect())
    [labels] = [
        labels for name, labels in found if name == "node_filesystem_size_bytes" and ("mountpoint", "/") in labels
    ]
    assert found["node_filesystem_size_bytes", labels] == ROOT.f_blocks * ROOT.f_frsize
    assert found["node_filesystem_device_error", labels] == 0
    assert found["node_filesystem_avail_bytes", labels] <= found["node_filesystem_free_bytes", labels]


class Disks:
    """A statvfs that hangs for the paths in ``dead`` until they are let go."""

    def __init__(self, *dead: str) -> None:
        self.release = threading.Event()
        self.dead = dead
        self.asked: list[str] = []

    def statvfs(self, path: str) -> os.statvfs_result:
        self.asked.append(path)
        if path in self.dead and not self.release.is_set():
            self.release.wait(120)
        if path == "/gone":
            raise FileNotFoundError(path)
        return ROOT


def walkers() -> int:
    return sum(thread.name == "statvfs" for thread in threading.enumerate())


def settle(count: int) -> None:
    deadline = time.monotonic() + 60
    while walkers() != count:
        assert time.monotonic() < deadline, f"{walkers()} threads, not {count}"
        threading.Event().wait(0.01)


def test_a_hung_mount_hides_no_other_and_is_not_asked_again_until_it_answers():
    disks = Disks("/nfs")
    asker = Asker(disks.statvfs)
    assert set(asker.ask(["/", "/nfs", "/srv", "/gone"], 2)) == {"/", "/srv"}
    for _ in range(5):
        assert set(asker.ask(["/", "/nfs", "/srv"], 2)) == {"/", "/srv"}
    assert disks.asked.count("/nfs") == 1
    settle(1)
    disks.release.set()
    settle(0)
    assert set(asker.ask(["/", "/nfs", "/srv"], 60)) == {"/", "/nfs", "/srv"}


def test_a_machine_that_stood_still_has_no_hung_mount(monkeypatch: pytest.MonkeyPatch):
    """All the time of one wait is over at once, before the asking thread came to run."""
    waits: list[float | None] = []
    get = queue.SimpleQueue.get

    class StandsStillOnce(queue.SimpleQueue):  # type: ignore[type-arg]
        def get(self, block: bool = True, timeout: float | None = None) -> object:
            waits.append(timeout)
            if len(waits) == 1:
                raise queue.Empty
            return get(self, block, None if timeout is None else 60)

    monkeypatch.setattr(queue, "SimpleQueue", StandsStillOnce)
    assert set(Asker(lambda _path: ROOT).ask(["/"], 1)) == {"/"}
    assert waits[0] is not None
    assert waits[0] < 1


def test_many_hung_mounts_take_a_bounded_number_of_threads():
    dead = [f"/nfs{number}" for number in range(3 * MAX_HUNG)]
    disks = Disks(*dead)
    asker = Asker(disks.statvfs)
    for _ in range(3):
        asker.ask([*dead, "/"], 0.02)
    settle(MAX_HUNG)
    disks.release.set()
    settle(0)
    assert set(asker.ask([*dead, "/"], 60)) == {*dead, "/"}


@pytest.mark.parametrize(("answers", "error"), [({"/mnt/pacs": ROOT}, 0), ({}, 1)])
def test_a_mount_without_an_answer_is_an_error_and_has_no_size(answers: dict[str, os.statvfs_result], error: int):
    found = samples(families([Mount("nas:/pacs", "nfs4", "/mnt/pacs", readonly=False)], answers))
    labels = {"device": "nas:/pacs", "fstype": "nfs4", "mountpoint": "/mnt/pacs"}
    assert found[key("node_filesystem_device_error", **labels)] == error
    assert (key("node_filesystem_size_bytes", **labels) in found) == (not error)
