"""Gets Debian 13's restic and restic-rest-server for the tests, without touching the machine's packages.

restic.md's recipe: an own apt configuration beside the system's.  The mirror is the one this machine's own
apt uses, the packages are signed by Debian's keyring (apt verifies them), and ``dpkg -x`` unpacks them into a cache.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("restic", "restic-rest-server")
RELEASE = "trixie"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class ToolsUnavailableError(Exception):
    """The tools cannot be had on this machine; the message says why."""


@dataclass(frozen=True)
class Tools:
    """Paths of the programs, inside the cache."""

    restic: Path
    rest_server: Path


def cache_directory() -> Path:
    """Return where unpacked tools stay between runs: root's under /var/cache, others' under the XDG cache."""
    if os.geteuid() == 0:
        return Path("/var/cache/xinglin-lab/tools")
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "xinglin-lab/tools"


def debian_mirrors(etc_apt: Path = Path("/etc/apt")) -> Iterator[str]:
    """Yield the archive URIs in this machine's apt sources, first those that serve Debian itself."""
    for path in sorted([*etc_apt.glob("sources.list.d/*.sources"), *etc_apt.glob("sources.list*/*.list")]):
        text = path.read_text(encoding="utf-8", errors="replace")
        for match in re.finditer(r"^(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s+)?)(\S+)", text, re.MULTILINE):
            if match[1].rstrip("/").endswith("/debian"):
                yield match[1]
    listed = etc_apt / "sources.list"
    if listed.exists():
        yield from re.findall(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+/debian/?)\s", listed.read_text(), re.MULTILINE)


def get_tools() -> Tools:
    """Return the tools, downloading them once; raises ToolsUnavailableError."""
    cache = cache_directory()
    tools = Tools(cache / "root/usr/bin/restic", cache / "root/usr/bin/restic-rest-server")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (tools.restic.exists() and tools.rest_server.exists()):
                _download(cache)
    except OSError as error:
        raise ToolsUnavailableError(f"{cache}: {error}") from error
    return tools


def _download(cache: Path) -> None:
    if not (shutil.which("apt-get") and KEYRING.exists()):
        raise ToolsUnavailableError("this is not Debian: no apt-get or no Debian archive keyring")
    mirror = next(debian_mirrors(), None)
    if mirror is None:
        raise ToolsUnavailableError("no Debian archive in this machine's apt sources")
    apt = cache / "apt"
    (apt / "lists/partial").mkdir(parents=True, exist_ok=True)
    (apt / "archives/partial").mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    sources = apt / "tools.sources"
    sources.write_text(f"Types: deb\nURIs: {mirror}\nSuites: {RELEASE}\nComponents: main\nSigned-By: {KEYRING}\n")
    settings = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": apt / "lists",
        "Dir::State::Status": apt / "status",
        "Dir::Cache": apt,
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
        "Acquire::Languages": "none",
    }
    options = [argument for key, value in settings.items() for argument in ("-o", f"{key}={value}")]
    for command in (["update"], ["download", *PACKAGES]):
        done = subprocess.run(
            ["apt-get", "-qq", *options, *command], cwd=apt, capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            raise ToolsUnavailableError(f"apt-get {command[0]} failed: {done.stderr.strip()[-300:]}")
    unpacked = cache / "root.new"
    shutil.rmtree(unpacked, ignore_errors=True)
    for package in apt.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, unpacked], check=True, timeout=60)
    shutil.rmtree(cache / "root", ignore_errors=True)
    unpacked.rename(cache / "root")
    shutil.rmtree(apt)
