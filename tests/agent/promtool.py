"""What Prometheus' own linter says about a page."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.agent.debian import debian_tool

LINT_FOUND = 3
UPSTREAM_NAMES = re.compile(r"^node_memory_\S+ metric names should be written in 'snake_case' not 'camelCase'$")
"""Left out in node_exporter's own check too (checkmetrics.sh): dashboards rely on ``node_memory_MemTotal_bytes``."""


def complaints(page: bytes) -> list[str]:
    """Return promtool's complaints about ``page``; a page that does not parse is an AssertionError."""
    done = subprocess.run([promtool(), "check", "metrics"], input=page, capture_output=True, check=False, timeout=60)
    said = done.stderr.decode()
    assert done.returncode in {0, LINT_FOUND}, said
    return [line for line in said.splitlines() if not UPSTREAM_NAMES.match(line)]


def promtool() -> Path:
    """Return promtool; skips the test when it cannot be had."""
    return debian_tool(_package(), "usr/bin/promtool")


def _package() -> str:
    """promtool is a package of its own since Debian 13."""
    if shutil.which("apt-cache") is None:
        return "prometheus"
    shown = subprocess.run(["apt-cache", "show", "promtool"], capture_output=True, check=False, timeout=60)
    return "promtool" if shown.returncode == 0 else "prometheus"
