"""What is said where real hosts cannot boot, and when a base tree is made anew."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import prerequisites, tree
from tests.lab.facility import EXAMPLE

CHECKOUT = EXAMPLE.parents[1]
NOBODY = 65534


def test_a_missing_program_is_answered_with_its_debian_package():
    assert prerequisites.missing_packages({"sh": "dash", "no-such-program": "such-package"}) == ["such-package"]
    assert prerequisites.missing_packages({"/bin/s*": "dash", "/nowhere/*/initdb": "postgresql"}) == ["postgresql"]


@pytest.mark.skipif(os.geteuid() != 0, reason="a person without root is played by a child that gives it up")
def test_up_without_root_says_what_is_missing_and_what_still_runs():
    # The interpreter and the checkout are loaded before root is given up: another user may not read them.
    script = (
        "import os, sys; import xinglin, tests.lab.cli\n"
        f"os.setgid({NOBODY}); os.setuid({NOBODY}); sys.argv = ['xinglin', 'up']; xinglin.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 3
    assert "missing: root" in done.stderr
    assert "still run" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_changed_recipe_is_a_new_base_tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(tree, "sources", lambda debian: f"deb mirror {debian}")
    first = tree.path(13, tmp_path)
    assert tree.path(13, tmp_path) == first
    assert tree.path(12, tmp_path) != first
    monkeypatch.setattr(tree, "PACKAGES", f"{tree.PACKAGES},vim-tiny")
    assert tree.path(13, tmp_path) != first
