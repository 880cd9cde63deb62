"""Reads a share with smbclient and passes its tar on, looking at every entry: the producer of the share's stream.

A program of its own (``python -m backup.sources.smb.relay``), so that its exit code, which the job waits for, is
0 only when the archive went through whole: smbclient's own exit code does not tell, and its words are among the
archive's bytes when that goes to its stdout.  So the archive goes to a pipe of its own.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from backup.process import end, ending_with_us
from backup.sources.smb.complaints import Judgement, is_lost, judge
from backup.sources.smb.tar import TarBrokenError, entries

STALL_SECONDS = 180.0
"""smbclient goes round for ever at the end of a file that was cut shorter meanwhile (seen with 4.17)."""
OPERATION_SECONDS = 60
END_SECONDS = 10.0
FAILED = 3


CONFIGURATION = """[global]
client min protocol = SMB2_02
name resolve order = host
interfaces = 127.0.0.1/8
cache directory = {place}
state directory = {place}
lock directory = {place}
private dir = {place}
"""
"""Only ours counts, not this host's.  With no interface named, smbclient asks the kernel for them, by a kind of
socket that the backup's locked-down service may not open, and gives up."""


def configure(place: Path) -> Path:
    """Write smbclient's configuration below ``place`` and return its path."""
    path = place / "smb.conf"
    path.write_text(CONFIGURATION.format(place=place), encoding="utf-8")
    return path


def command(share: str, port: int, credentials: Path, configuration: Path, archive: int) -> list[str]:
    """Return smbclient that writes everything on the share to the file descriptor ``archive``."""
    asked = ["-s", str(configuration), "-p", str(port), "-A", str(credentials), "-t", str(OPERATION_SECONDS)]
    return ["smbclient", share, *asked, "-Tc", f"/dev/fd/{archive}"]


class _StalledError(Exception):
    """Nothing came for too long."""


class _LostError(Exception):
    """The connection broke; smbclient would go on and fill the file it was at with zeros, however large."""


def relay(smbclient: list[str], archive: int, read_end: int, target: IO[bytes], listing: Path) -> Judgement:
    """Run ``smbclient``, which writes to ``archive``; pass that on to ``target``, and its entries to ``listing``."""
    doing, heard = "the share's list", 0

    def read(size: int) -> bytes:
        ready, _, _ = select.select([read_end], [], [], STALL_SECONDS)
        if not ready:
            raise _StalledError
        nonlocal heard
        before, heard = heard, os.fstat(words.fileno()).st_size
        if heard != before and is_lost(_said(words)):
            raise _LostError
        got = os.read(read_end, size)
        target.write(got)
        return got

    def begin(path: str) -> None:
        nonlocal doing
        doing = path

    broken = ""
    with tempfile.TemporaryFile() as words, listing.open("w", encoding="utf-8") as lines:
        try:
            process = subprocess.Popen(
                ending_with_us(smbclient),
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                pass_fds=[archive],
                start_new_session=True,
            )
        finally:
            os.close(archive)
        try:
            for entry in entries(read, begin):
                lines.write(entry.line())
            target.flush()
            returncode = process.wait(STALL_SECONDS)
        except (_StalledError, subprocess.TimeoutExpired):
            return Judgement("share_stalled", f"nothing came for {STALL_SECONDS:.0f} s, last: {doing}", ())
        except (TarBrokenError, _LostError) as error:
            broken = str(error)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0 if isinstance(error, _LostError) else END_SECONDS)
            end(process)
            returncode = process.returncode
        finally:
            end(process)
        judgement = judge(returncode, _said(words))
    if broken and judgement.code is None:
        return Judgement("share_failed", f"the archive broke off: {broken}", judgement.unread)
    return judgement


def _said(words: IO[bytes]) -> list[str]:
    size = os.fstat(words.fileno()).st_size
    return os.pread(words.fileno(), size, 0).decode("utf-8", "replace").splitlines()


def main(arguments: list[str]) -> int:
    """Relay ``SHARE PORT CREDENTIALS LISTING REPORT``; the report is written however it ends."""
    share, port, credentials, listing, report = arguments
    read_end, archive = os.pipe()
    target = os.fdopen(sys.stdout.fileno(), "wb", closefd=False)
    with tempfile.TemporaryDirectory() as place:
        smbclient = command(share, int(port), Path(credentials), configure(Path(place)), archive)
        judgement = relay(smbclient, archive, read_end, target, Path(listing))
    data: dict[str, Any] = asdict(judgement)
    Path(report).write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return FAILED if judgement.code else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
