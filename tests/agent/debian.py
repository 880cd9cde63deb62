"""Tools of Debian packages, unpacked into a cache and never installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "xinglin-tests"


def debian_tool(package: str, path: str) -> Path:
    """Return the program ``path`` of this machine or of ``package``; skips the test when it cannot be had."""
    installed = shutil.which(Path(path).name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if installed:
        return Path(installed)
    target = CACHE / package
    program = target / path
    if not program.exists():
        fetch(package, target)
    return program


def fetch(package: str, target: Path) -> None:
    """Download and unpack ``package``; skips the test when there is no apt, no mirror or no such package."""
    if not shutil.which("apt-get"):
        pytest.skip(f"{package}: this is not Debian (no apt-get)")
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    unfinished.mkdir(parents=True)
    try:
        download = subprocess.run(
            ["apt-get", "-q", "download", package],
            cwd=unfinished,
            capture_output=True,
            check=False,
            text=True,
            timeout=300,
        )
        archives = list(unfinished.glob("*.deb"))
        if download.returncode != 0 or not archives:
            pytest.skip(f"{package} cannot be downloaded: {download.stderr.strip().splitlines()[-1:]}")
        subprocess.run(["dpkg", "-x", archives[0], unfinished], check=True, timeout=120)
        archives[0].unlink()
        if not target.exists():
            unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
