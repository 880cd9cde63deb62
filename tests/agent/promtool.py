"""What Prometheus' own linter says about a page."""

import re
import subprocess

from tests.agent.debian import debian_tool

LINT_FOUND = 3
UPSTREAM_NAMES = re.compile(r"^node_memory_\S+ metric names should be written in 'snake_case' not 'camelCase'$")
"""Left out in node_exporter's own check too (checkmetrics.sh): dashboards rely on ``node_memory_MemTotal_bytes``."""


def complaints(page: bytes) -> list[str]:
    """Return promtool's complaints about ``page``; a page that does not parse is an AssertionError."""
    tool = debian_tool("prometheus", "usr/bin/promtool")
    done = subprocess.run([tool, "check", "metrics"], input=page, capture_output=True, check=False, timeout=60)
    said = done.stderr.decode()
    assert done.returncode in {0, LINT_FOUND}, said
    return [line for line in said.splitlines() if not UPSTREAM_NAMES.match(line)]
