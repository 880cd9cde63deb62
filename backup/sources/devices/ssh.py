"""Asks one device over SSH with the system's own client: its host key checked, our key only, never a password."""

import contextlib
import os
import re
import select
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from backup.errors import BackupError
from backup.process import end, ending_with_us
from backup.sources.devices.platforms import PLATFORMS, Output, Platform, clean, cut_out, fault

CONNECT_SECONDS = 20
ANSWER_SECONDS = 180.0
LARGEST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Device:
    """One network device and how to reach it."""

    name: str
    platform: str
    address: str
    user: str
    key_file: Path
    known_hosts_file: Path
    port: int = 22

    @property
    def place(self) -> str:
        """What people read."""
        return f"device {self.name} ({self.address})"


def command(device: Device, platform: Platform, asked: str | None) -> list[str]:
    """Return ssh for one command, or for a session with a terminal when ``asked`` is None."""
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(device.known_hosts_file),
        "GlobalKnownHostsFile": "/dev/null",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "ConnectTimeout": str(CONNECT_SECONDS),
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
        "LogLevel": "ERROR",
    }
    words = [*(f"{name}={value}" for name, value in options.items()), *platform.ssh_options]
    start = ["ssh", "-F", "/dev/null", "-i", str(device.key_file), "-p", str(device.port), "-l", device.user]
    start += [argument for word in words for argument in ("-o", word)]
    return [*start, "-T", "--", device.address, asked] if asked else [*start, "-tt", "--", device.address]


def fetch(device: Device) -> dict[str, bytes]:
    """Return the device's configuration by file suffix.

    Raises BackupError: device_silent, device_refused, device_key_changed, device_answer_wrong.
    """
    platform = PLATFORMS[device.platform]
    if platform.prompt:
        found = _session(device, platform)
    else:
        found = {output.suffix: _ask(device, platform, output) for output in platform.outputs}
    for output in platform.outputs:
        wrong = fault(output, found[output.suffix])
        if wrong:
            raise BackupError("device_answer_wrong", device.place, f"{output.command}: {wrong}")
    return found


def _ask(device: Device, platform: Platform, output: Output) -> bytes:
    with tempfile.TemporaryFile() as stderr, tempfile.TemporaryFile() as stdout:
        process = _start(command(device, platform, output.command), subprocess.DEVNULL, stdout, stderr)
        try:
            returncode = process.wait(ANSWER_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise BackupError("device_silent", device.place, f"no answer within {ANSWER_SECONDS:.0f} s") from error
        finally:
            end(process)
        if returncode == 255:
            raise _failure(device, stderr)
        if returncode:
            words = _said(stderr) or f"exit code {returncode}"
            raise BackupError("device_answer_wrong", device.place, f"{output.command}: {words}")
        stdout.seek(0)
        return stdout.read(LARGEST_BYTES)


def _session(device: Device, platform: Platform) -> dict[str, bytes]:
    """Type the commands at a terminal, each after the prompt that follows the one before."""
    read_end, write_end = os.pipe()
    # Unbuffered: what a session that is gone did not take would be written again as the file closes, and fail there.
    with tempfile.TemporaryFile() as stderr, os.fdopen(write_end, "wb", buffering=0) as typed:
        try:
            process = _start(command(device, platform, None), read_end, subprocess.PIPE, stderr)
        finally:
            os.close(read_end)
        shown = cast("IO[bytes]", process.stdout)
        deadline = time.monotonic() + ANSWER_SECONDS
        try:
            _until_prompt(device, platform, shown, stderr, deadline)
            found = {}
            for line in platform.prepare:
                _type(typed, line)
                _until_prompt(device, platform, shown, stderr, deadline)
            for output in platform.outputs:
                _type(typed, output.command)
                answer = _until_prompt(device, platform, shown, stderr, deadline)
                try:
                    found[output.suffix] = cut_out(output, answer)
                except ValueError as error:
                    raise BackupError("device_answer_wrong", device.place, f"{output.command}: {error}") from error
            with contextlib.suppress(BrokenPipeError):
                _type(typed, platform.leave)
            return found
        except BrokenPipeError as error:
            raise BackupError("device_silent", device.place, "the session ended") from error
        finally:
            end(process)
            shown.close()


def _type(typed: IO[bytes], line: str) -> None:
    typed.write(line.encode() + b"\n")


def _until_prompt(device: Device, platform: Platform, shown: IO[bytes], stderr: IO[bytes], deadline: float) -> str:
    """Return what the device shows up to its next prompt."""
    got = b""
    while True:
        ready, _, _ = select.select([shown], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            last = clean(got).rstrip().rpartition("\n")[2]
            raise BackupError("device_silent", device.place, f"no prompt; last line: {last[-80:]}")
        part = os.read(shown.fileno(), 1 << 16)
        if not part:
            raise _failure(device, stderr)
        got += part
        last = clean(got[-200:]).rpartition("\n")[2]
        if re.search(platform.prompt, last):
            return clean(got).rpartition("\n")[0]
        if len(got) > LARGEST_BYTES:
            raise BackupError("device_answer_wrong", device.place, "it does not end")


def _start(argv: list[str], stdin: int, stdout: IO[bytes] | int, stderr: IO[bytes]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        ending_with_us(argv),
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "TERM": "dumb"},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd="/",
        start_new_session=True,
    )


def _said(stderr: IO[bytes]) -> str:
    stderr.seek(0)
    return " ".join(stderr.read(4096).decode("utf-8", "replace").split())[:300]


def _failure(device: Device, stderr: IO[bytes]) -> BackupError:
    """Return the error for an ssh that got no session, by its words."""
    words = _said(stderr)
    if "IDENTIFICATION HAS CHANGED" in words or "Host key verification failed" in words:
        known = "another key than the known one" if "HAS CHANGED" in words else "a key that is not known"
        return BackupError("device_key_changed", device.place, known)
    if "Permission denied" in words or "Too many authentication failures" in words:
        return BackupError("device_refused", device.place, words)
    return BackupError("device_silent", device.place, words or "the session ended")
