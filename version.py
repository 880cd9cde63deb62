"""The wheel's version: the release plus a digest of the sources in it.

A host that installs by version then notices every change of the code, without a stamp of its own.
"""

import hashlib
from pathlib import Path

RELEASE = "0.1.0"
ROOMS = ("agent", "backup", "compliance", "console", "inventory", "playbooks")


def version(root: Path = Path(__file__).parent) -> str:
    """Return ``RELEASE+DIGEST`` (PEP 440 local version), the same for the same source files."""
    digest = hashlib.sha256()
    files = [root / "lazy_group.py", root / "xinglin.py", root / "version.py"]
    for room in ROOMS:
        files += (
            path
            for path in (root / room).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and "node_modules" not in path.parts
        )
    for path in sorted(files):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{RELEASE}+{digest.hexdigest()[:12]}"
