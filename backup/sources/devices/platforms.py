"""How each kind of device gives its configuration away.  Data, with prompts and marks as Oxidized has them."""

import gzip
import hashlib
import io
import re
import tarfile
import zlib
from dataclasses import dataclass

OLD_ALGORITHMS = (
    "HostKeyAlgorithms=+ssh-rsa",
    "PubkeyAcceptedAlgorithms=+ssh-rsa",
    "KexAlgorithms=+diffie-hellman-group14-sha1",
)
"""Switches of ten years ago know no others.  The host's key is compared with the known one all the same."""


@dataclass(frozen=True)
class Output:
    """One file of a configuration: what to ask and how a whole answer looks.

    ``begin`` and ``end`` match the first and the last line of a text; a device's error text has neither.  Without
    them the answer is a tar archive.
    """

    suffix: str
    command: str
    begin: str = ""
    end: str = ""


@dataclass(frozen=True)
class Platform:
    """A kind of device: each output has a command of its own, or all are asked in one session with ``prompt``."""

    outputs: tuple[Output, ...]
    prompt: str = ""
    prepare: tuple[str, ...] = ()
    leave: str = "quit"
    ssh_options: tuple[str, ...] = ()
    volatile: str = r"(?!)"
    """Lines that differ each time though nothing was changed."""


ANGLES = r"^\s*<[\w.-]+>\s*$"
NETWORK_FILES = (
    "etc/network etc/systemd/network etc/nftables.conf etc/nftables.d etc/hostname etc/hosts etc/resolv.conf"
)

PLATFORMS = {
    "openwrt": Platform(
        (
            Output("tar.gz", "sysupgrade --create-backup -"),
            Output("uci", "uci export", begin=r"package \S+"),
        ),
    ),
    "debian": Platform(
        (
            Output("tar", f"cd / && tar -cf - $(ls -d {NETWORK_FILES} 2>/dev/null)"),
            Output("nft", "PATH=$PATH:/usr/sbin:/sbin nft list ruleset", begin=r"(table|flush|#).*", end=r"}"),
        ),
    ),
    "huawei_vrp": Platform(
        (Output("cfg", "display current-configuration", begin=r"(!Software Version.*|#|sysname .*)", end=r"return"),),
        prompt=ANGLES,
        prepare=("screen-length 0 temporary", "undo terminal monitor"),
        ssh_options=OLD_ALGORITHMS,
        volatile=r"!(Last configuration|Configuration saved|.*time)",
    ),
    "h3c_comware": Platform(
        (Output("cfg", "display current-configuration", begin=r"#", end=r"return"),),
        prompt=ANGLES,
        prepare=("screen-length disable", "undo terminal monitor"),
        ssh_options=OLD_ALGORITHMS,
    ),
    "ruijie_rgos": Platform(
        (
            Output(
                "cfg",
                "show running-config",
                begin=r"(Building configuration.*|Current configuration.*|!|version .*)",
                end=r"end",
            ),
        ),
        prompt=r"^[\w.-]+#\s*$",
        prepare=("terminal length 0", "terminal width 256"),
        leave="exit",
        ssh_options=OLD_ALGORITHMS,
        volatile=r"(Current configuration : \d+ bytes|!.*(time|at \d\d:\d\d))",
    ),
}
CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|[\x00\x07]|.\x08")
COMPLAINT = re.compile(
    r"^\s*(Error:|%\s*(Unrecognized|Invalid|Incomplete|Ambiguous|Wrong|User doesn't)|\^\s*$)", re.MULTILINE
)


def clean(answer: bytes) -> str:
    """Return what a command line showed as text: no control sequences, one line end."""
    text = CONTROL.sub(b"", answer).decode("utf-8", "replace")
    return "\n".join(line.rstrip("\r").rstrip() for line in text.replace("\r\r\n", "\n").split("\n"))


def cut_out(output: Output, shown: str) -> bytes:
    """Return the configuration from what the session showed; raises ValueError when it is not whole."""
    lines = shown.split("\n")
    first = next((n for n, line in enumerate(lines) if re.fullmatch(output.begin, line)), None)
    last = next((n for n in range(len(lines) - 1, -1, -1) if re.fullmatch(output.end, lines[n])), None)
    if first is None or last is None or last <= first:
        complaint = COMPLAINT.search(shown)
        raise ValueError(complaint[0].strip() if complaint else "its beginning or its end is missing")
    return "\n".join([*lines[first : last + 1], ""]).encode()


def fault(output: Output, content: bytes) -> str:
    """Return why ``content`` is no whole configuration of this kind, or nothing."""
    if not content.strip():
        return "it is empty"
    if not output.begin:
        return "" if _members(content) else "it is no whole archive with a file in it"
    lines = [line for line in content.decode("utf-8", "replace").split("\n") if line.strip()]
    if not re.fullmatch(output.begin, lines[0]):
        return f"it begins with: {lines[0][:80]}"
    if output.end and not re.fullmatch(output.end, lines[-1].strip()):
        return f"it ends with: {lines[-1][:80]}"
    return ""


def meaning(platform: Platform, output: Output, content: bytes) -> str:
    """Return a hash that changes only when the configuration does: no times, no volatile lines."""
    if not output.begin:
        return hashlib.sha256("\n".join(sorted(_members(content))).encode()).hexdigest()
    lines = content.decode("utf-8", "replace").split("\n")
    return hashlib.sha256(
        "\n".join(line for line in lines if not re.match(platform.volatile, line)).encode()
    ).hexdigest()


def _members(content: bytes) -> list[str]:
    """Return each file of a tar archive with its hash; nothing when the archive is not whole."""
    try:
        plain = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        if not plain.endswith(b"\0" * 1024):
            return []
        with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
            return [
                f"{member.name} {member.mode:o} {member.linkname} {_hash(archive, member)}"
                for member in archive
                if not member.isdir()
            ]
    except (OSError, EOFError, tarfile.TarError, zlib.error):
        return []


def _hash(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    stream = archive.extractfile(member) if member.isreg() else None
    return hashlib.sha256(stream.read()).hexdigest() if stream else ""
