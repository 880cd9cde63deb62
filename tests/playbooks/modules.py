"""Runs a module as Ansible's pipelining does: arguments on standard input, the result on standard output."""

import json
import subprocess
import sys
from typing import Any

from tests.playbooks.rendered import ROOT

SCRIPT = """
import importlib, json, sys
from ansible.module_utils.testing import patch_module_args
module = importlib.import_module("playbooks.library." + sys.argv[1])
with patch_module_args(json.load(sys.stdin)):
    module.main()
"""


def run_module(name: str, arguments: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    """Return the result of the module ``name`` of playbooks/library; a failed one has ``failed: true``."""
    text = json.dumps({**arguments, "_ansible_check_mode": check})
    command = [sys.executable, "-c", SCRIPT, name]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result
