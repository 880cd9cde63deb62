"""What this machine must have for real hosts, and how to get it."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lab.command import run

# Program → the Debian package that brings it.
LAB_PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "ssh-keygen": "openssh-client",
    "rsync": "rsync",
}
TEST_PROGRAMS = {
    "chromium": "chromium",
    "fc-list": "fontconfig",
    "/usr/lib/postgresql/*/bin/initdb": "postgresql",
    "shellcheck": "shellcheck",
    "pdftoppm": "poppler-utils",
    "zbarimg": "zbar-tools",
    "/usr/sbin/mariadbd": "mariadb-server",
    "/usr/sbin/Orthanc": "orthanc",
    "/usr/sbin/smbd": "samba",
    "smbclient": "smbclient",
    "/usr/sbin/sshd": "openssh-server",
    "/usr/sbin/upsd": "nut-server",
    "/usr/lib/nut/snmp-ups": "nut-snmp",
    "/usr/lib/nut/upsmon": "nut-client",
    "snmpbulkwalk": "snmp",
    "/usr/sbin/snmpd": "snmpd",
    "certutil": "libnss3-tools",
}
POLICY = Path("/usr/sbin/policy-rc.d")


@dataclass(frozen=True)
class Missing:
    """One thing this machine lacks, what therefore cannot run, and the next step."""

    what: str
    cannot: str
    next_step: str

    def __str__(self) -> str:
        return f"missing: {self.what}; {self.cannot}. Next: {self.next_step}"


def _present(program: str) -> bool:
    if program.startswith("/"):
        return any(Path("/").glob(program.removeprefix("/")))
    return shutil.which(program) is not None


def missing_packages(programs: dict[str, str]) -> list[str]:
    """Debian packages whose program is not on this machine."""
    return sorted({package for program, package in programs.items() if not _present(program)})


def fonts_missing() -> bool:
    """True when no font on this machine has Chinese, so that screenshots would show boxes."""
    listed = subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, text=True, check=False)
    return not listed.stdout.strip()


def install(packages: list[str]) -> None:
    """Install Debian packages, starting none of their services; raises ``LabError`` with apt's last lines."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "-qq", "update"], env=env)
    with _no_services():
        run(["apt-get", "-qq", "install", "-y", "--no-install-recommends", *packages], env=env, timeout_seconds=1200)


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """The tests start what they need, privately; this machine is not to become a database or file server."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def unmet() -> list[Missing]:
    """What keeps real hosts from booting here, packages apart (those can be installed)."""
    found: list[Missing] = []
    if os.geteuid() != 0:
        found.append(
            Missing(
                "root",
                "real hosts cannot boot; lint, types, unit and browser tests still run",
                "run the same command as root (sudo)",
            )
        )
    if not shutil.which("apt-get"):
        found.append(
            Missing("Debian (apt-get)", "base trees cannot be made; unit tests still run", "use Debian 12 or 13")
        )
    if "overlay" not in Path("/proc/filesystems").read_text() and os.geteuid() == 0:
        probe = subprocess.run(["modprobe", "overlay"], capture_output=True, check=False)
        if probe.returncode != 0:
            found.append(
                Missing("overlay file system", "hosts get no disk; unit tests run", "use a kernel with overlayfs")
            )
    return found


def unavailable() -> str | None:
    """Why lab tests cannot run here, in one sentence, or None when they can."""
    reasons = [str(missing) for missing in unmet()]
    packages = missing_packages(LAB_PROGRAMS)
    if packages:
        reasons.append(f"missing: {', '.join(packages)}; real hosts cannot boot. Next: apt-get install them")
    return " ".join(reasons) or None
