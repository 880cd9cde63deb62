"""Which boot of this machine this is."""

from pathlib import Path


def boot_id(path: Path = Path("/proc/sys/kernel/random/boot_id")) -> str:
    """Return the id that the kernel gave this boot."""
    return path.read_text(encoding="ascii").strip()
