"""Tells the journal when the record of a power cut or a drill was written: the console fetches it then."""

import threading
from pathlib import Path

from agent.events import Journal
from agent.power.records import PowerRecord, read_records

INTERVAL_SECONDS = 1.0

Marks = dict[str, tuple[int, int]]
"""File name → its inode and when it was written: two writes within one tick of the kernel's clock have one time, but
each puts a new file in place."""


class PowerWatch:
    """Looks at the directory of the records once a second."""

    def __init__(self, directory: Path, journal: Journal) -> None:
        self._directory = directory
        self._journal = journal
        self._known: Marks | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="power-records", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()

    def _loop(self) -> None:
        while True:
            marks = self._marks()
            if self._known is not None and marks != self._known:
                self._tell({name for name, mark in marks.items() if self._known.get(name) != mark})
            self._known = marks
            if self._stopping.wait(INTERVAL_SECONDS):
                return

    def _marks(self) -> Marks:
        try:
            found = {path.name: path.stat() for path in self._directory.glob("*.json")}
        except OSError:  # removed between the two calls: the next look sees it
            return self._known or {}
        return {name: (status.st_ino, status.st_mtime_ns) for name, status in found.items()}

    def _tell(self, names: set[str]) -> None:
        for record in read_records(self._directory):
            if f"{record.record_id}.json" in names:
                self._journal.add(record.ups, "power", "power", _summary(record))


def _summary(record: PowerRecord) -> str:
    return f"{record.record_id} {record.phase}" + (f" {record.verdict}" if record.verdict else "")
