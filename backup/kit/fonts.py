"""The font of the printed kit: one of Debian's that has Chinese, embedded so that the paper looks the same anywhere."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from backup.errors import BackupError

PACKAGE = "fonts-wqy-microhei"


@dataclass(frozen=True)
class Font:
    """A font collection and the numbers of its proportional and its fixed-width face for simplified Chinese."""

    file: Path
    regular: int
    mono: int


KNOWN = (
    Font(Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"), 0, 1),
    Font(Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"), 2, 7),
)


def find(known: tuple[Font, ...] = KNOWN) -> Font | None:
    """Return the first of the known fonts that is installed."""
    return next((font for font in known if font.file.is_file()), None)


def require() -> Font:
    """Return a font, installing Debian's smallest when this is root; raises BackupError ``font_missing``."""
    font = find()
    if font is None and os.geteuid() == 0:
        command = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", PACKAGE]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(command, capture_output=True, check=False, env=environment)
        font = find()
    if font is None:
        raise BackupError("font_missing", "this machine", f"no {' or '.join(str(known.file) for known in KNOWN)}")
    return font
