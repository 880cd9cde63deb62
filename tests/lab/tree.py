"""Base trees: a fresh Debian made once by mmdebstrap, cached outside the checkout, shared by all labs."""

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.command import run
from tests.lab.errors import LabError

CACHE = Path("/var/cache/xinglin-lab")
SUITES = {12: "bookworm", 13: "trixie"}

# What a freshly installed Debian server with an SSH login has, and no more.
PACKAGES = (
    "systemd,systemd-sysv,dbus,openssh-server,python3,python3-apt,iproute2,nftables,ca-certificates,sudo,procps,"
    "tzdata,libpam-modules,less,locales,cron,logrotate,kmod,iputils-ping"
)
# Identity belongs to a host, not to the tree; the resolver and the network are given per host.
CUSTOMIZE = (
    'rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/resolv.conf "$1"/var/lib/dbus/machine-id'
    ' && : >"$1"/etc/machine-id'
    ' && systemctl --root="$1" --quiet enable systemd-networkd ssh'
    ' && systemctl --root="$1" --quiet mask systemd-networkd-wait-online.service'
)


def mirror_uris() -> dict[str, str]:
    """The Debian archives this machine uses itself, by label (``Debian``, ``Debian-Security``)."""
    targets = run(["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages"])
    found: dict[str, str] = {}
    for line in targets.splitlines():
        origin, label, uri = line.split("|", 2)
        if origin == "Debian":
            found.setdefault(label, uri)
    if "Debian" not in found:
        raise LabError("apt", "no Debian archive in this machine's sources", "add one, apt-get update")
    return found


def sources(debian: int) -> str:
    """The apt sources of a base tree: this machine's own archives, with the tree's suite."""
    suite, uris = SUITES[debian], mirror_uris()
    lines = [f"deb {uris['Debian']} {suite} main", f"deb {uris['Debian']} {suite}-updates main"]
    if "Debian-Security" in uris:
        lines.append(f"deb {uris['Debian-Security']} {suite}-security main")
    return "\n".join(lines) + "\n"


def recipe_digest(debian: int) -> str:
    """Names a tree by all that goes into it, so that a changed recipe is a new tree."""
    return hashlib.sha256(f"{sources(debian)}{PACKAGES}{CUSTOMIZE}".encode()).hexdigest()[:12]


@contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Hold an exclusive lock file, so that two labs don't make the same thing at once."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def path(debian: int, cache: Path = CACHE) -> Path:
    """Where the base tree of a Debian release is, or will be."""
    return cache / "base" / f"debian{debian}-{recipe_digest(debian)}"


def ensure(debian: int, cache: Path = CACHE) -> Path:
    """Return the base tree of a Debian release, making it when the cache has none of this recipe."""
    tree = path(debian, cache)
    with locked(cache / f"debian{debian}.lock"):
        if tree.exists():
            return tree
        for old in (cache / "base").glob(f"debian{debian}-*"):
            if not _in_use(old):
                shutil.rmtree(old)
        scratch = tree.with_name(f".{tree.name}")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.parent.mkdir(parents=True, exist_ok=True)
        run(
            ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", f"--customize-hook={CUSTOMIZE}",
             "--aptopt=Acquire::Languages \"none\"", SUITES[debian], str(scratch), "-"],
            stdin=sources(debian),
            timeout_seconds=1800,
        )  # fmt: skip
        scratch.rename(tree)
    return tree


def _in_use(tree: Path) -> bool:
    return f"lowerdir={tree}" in Path("/proc/mounts").read_text()
