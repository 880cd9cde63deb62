"""One read-only restic on a local repository, which ends when its time is up or whoever asked hangs up."""

import contextlib
import logging
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from backup.errors import BackupError
from backup.repositories import classify

logger = logging.getLogger(__name__)
GONE = select.POLLHUP | select.POLLRDHUP | select.POLLERR
COMPLAINTS_BYTES = 16 * 1024
NO_SNAPSHOT = re.compile(r"failed to load snapshot \S+: open \S+ no such file")
DAMAGE = re.compile(
    r"[^\n]*(not found in repository|invalid data returned|invalid repository|no such file or directory"
    r"|ciphertext verification failed|could not load snapshot|does not match)[^\n]*"
)


@dataclass(frozen=True)
class Source:
    """A repository on this machine's disk; ``place`` is what people read."""

    directory: Path
    password_file: Path
    place: str

    def environment(self) -> Mapping[str, str]:
        """Return restic's whole environment."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "RESTIC_REPOSITORY": str(self.directory),
            "RESTIC_PASSWORD_FILE": str(self.password_file),
        }


class Running:
    """restic at work; read ``output``, then call ``finish``."""

    def __init__(self, child: subprocess.Popen[bytes], complaints: IO[bytes], source: Source) -> None:
        assert child.stdout is not None  # noqa: S101 — it was started with a pipe
        self.output: IO[bytes] = child.stdout
        self.ended_because: str | None = None
        self._child = child
        self._complaints = complaints
        self._source = source

    def kill(self, why: str) -> None:
        """End restic at once; it holds no lock and writes nothing, so there is nothing to clean up."""
        if self._child.poll() is None:
            self.ended_because = why
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)

    def finish(self) -> None:
        """Wait for restic's end; raises BackupError unless it ended well."""
        code = self._child.wait()
        if self.ended_because:
            raise BackupError("timed_out", self._source.place, self.ended_because)
        if code:
            raise self.failure(code)

    def failure(self, code: int) -> BackupError:
        """Return why restic ended with ``code``, or gave no answer although that is 0."""
        self._complaints.seek(max(0, self._complaints.seek(0, os.SEEK_END) - COMPLAINTS_BYTES))
        lines = self._complaints.read().decode("utf-8", "replace").splitlines()
        complaints = [item for line in lines if (item := classify.read_complaint(line))]
        text = "\n".join(item.text for item in complaints)
        cause = classify.classify(code, complaints, self._source.place)
        if NO_SNAPSHOT.search(text):
            return BackupError("snapshot_gone", self._source.place, "no such snapshot")
        if cause.code in {"unknown", "repository_damaged"} and (found := DAMAGE.search(text)):
            return BackupError("repository_damaged", cause.place, found[0][:300])
        return BackupError(cause.code, cause.place, cause.detail)


@contextlib.contextmanager
def running(source: Source, command: Sequence[str], client: socket.socket, limit_seconds: float) -> Iterator[Running]:
    """Run ``restic command`` without lock and cache while ``client`` is connected, ``limit_seconds`` at most.

    Nothing is left behind, however the block ends.  If this process is killed, systemd ends restic with it; without
    systemd, restic ends when it next writes.
    """
    with tempfile.TemporaryFile() as complaints:
        child = subprocess.Popen(
            ["restic", "--json", "--no-lock", "--no-cache", *command],
            env=source.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
        restic = Running(child, complaints, source)
        watcher = threading.Thread(target=_watch, args=(restic, client, limit_seconds), daemon=True)
        watcher.start()
        try:
            yield restic
        finally:
            restic.kill("not needed any more")
            restic.output.close()
            child.wait()


def _watch(restic: Running, client: socket.socket, limit_seconds: float) -> None:
    poll = select.poll()
    poll.register(client, GONE)
    gone = poll.poll(limit_seconds * 1000)
    restic.kill("whoever asked has gone" if gone else f"limit {limit_seconds:.0f} s")
