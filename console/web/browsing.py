"""What the pages ask of the browse service, with a short memory, and with limits: each question costs a restic."""

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar, cast

from backup.browse.client import BrowseClient, Download
from backup.browse.protocol import Entry, Listed, Listing
from backup.errors import BackupError

T = TypeVar("T")
# A new snapshot shows within a minute; what is inside one never changes.
SNAPSHOTS_SECONDS = 60
INSIDE_SECONDS = 600
REMEMBERED = 32
LOOKUPS = 2
LOOKUP_PATIENCE_SECONDS = 20
# The web process has eight threads, and each download holds one.
DOWNLOADS = 2


class Memory:
    """The newest answers, each for a limited time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[float, object]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, seconds: float, ask: Callable[[], T]) -> T:
        """Return the kept answer for ``key``, or ask and keep it for ``seconds``; an error is not kept."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] > self._clock():
                self._kept.move_to_end(key)
                return cast("T", kept[1])
        found = ask()
        with self._lock:
            self._kept[key] = (self._clock() + seconds, found)
            self._kept.move_to_end(key)
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return found


class Browsing:
    """The console's way into the snapshots.  Raises BackupError."""

    def __init__(self, client: BrowseClient) -> None:
        self._client = client
        self._memory = Memory()
        self._lookups = threading.BoundedSemaphore(LOOKUPS)
        self._downloads = threading.BoundedSemaphore(DOWNLOADS)

    def snapshots(self, host: str) -> tuple[Listed, ...]:
        """Return the snapshots of a host."""
        return self._looked_up(("snapshots", host), SNAPSHOTS_SECONDS, lambda: self._client.snapshots(host))

    def list(self, host: str, snapshot: str, path: str, after: str) -> Listing:
        """Return a page of a directory."""
        key = ("list", host, snapshot, path, after)
        return self._looked_up(key, INSIDE_SECONDS, lambda: self._client.list(host, snapshot, path, after))

    def entry(self, host: str, snapshot: str, path: str) -> Entry:
        """Return what is known of a file."""
        key = ("entry", host, snapshot, path)
        return self._looked_up(key, INSIDE_SECONDS, lambda: self._client.entry(host, snapshot, path))

    def _looked_up(self, key: Hashable, seconds: float, ask: Callable[[], T]) -> T:
        def limited() -> T:
            if not self._lookups.acquire(timeout=LOOKUP_PATIENCE_SECONDS):
                raise self._busy(f"{LOOKUPS} others are asking")
            try:
                return ask()
            finally:
                self._lookups.release()

        return self._memory.get(key, seconds, limited)

    def open(self, host: str, snapshot: str, path: str) -> "Opened":
        """Return a file whose content is still to come; the caller sends it or closes it."""
        if not self._downloads.acquire(blocking=False):
            raise self._busy(f"{DOWNLOADS} downloads are running")
        with contextlib.ExitStack() as stack:
            stack.callback(self._downloads.release)
            download = self._client.open(host, snapshot, path)
            stack.callback(download.close)
            return Opened(download, stack.pop_all())

    def _busy(self, detail: str) -> BackupError:
        return BackupError("browse_unavailable", str(self._client.path), detail)


class Opened:
    """A file on its way to a browser: an iterable for WSGI, which calls ``close`` however the sending ends."""

    def __init__(self, download: Download, held: contextlib.ExitStack) -> None:
        self._download = download
        self._held = held
        self._blocks = download.blocks()

    @property
    def entry(self) -> Entry:
        """Return the file's name, size and time."""
        return self._download.entry

    @property
    def sent_bytes(self) -> int:
        """Return how much was handed on."""
        return self._download.received

    @property
    def is_complete(self) -> bool:
        """Return whether all of it was handed on."""
        return self._download.is_complete

    def on_close(self, call: Callable[[], None]) -> None:
        """Call ``call`` when the sending has ended."""
        self._held.callback(call)

    def __iter__(self) -> Iterator[bytes]:
        """Return the blocks of the content."""
        return self._blocks

    def close(self) -> None:
        """End everything that this download holds, once."""
        self._held.close()
