"""Renders the service roles' templates for the example clinic with Ansible itself, without touching a host."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = ROOT / "playbooks/roles"
SERVICE_ROLES = ("agent", "backup", "console", "his", "repository")
SECRETS = {
    "vault_repository_password": "repository of the test",
    "vault_backup_http_secret": "http of the test",
    "vault_his_database_password": "database-of-the-test",
    "vault_nut_secret": "nut-of-the-test",
}
SOURCES = ["http://mirror.example/debian/ bookworm", "http://mirror.example/debian-security/ bookworm-security"]
SOURCES += ["http://mirror.example/debian/ bookworm-updates", "http://elsewhere.example/ stable"]

Rendered = dict[str, dict[str, str]]
"""Host → template (``role/name`` without ``.j2``) → text."""


def render(
    directory: Path,
    roles: Sequence[str],
    flows: Sequence[dict[str, str]] = (),
    copies: Sequence[dict[str, Any]] = (),
    other: Mapping[str, Any] | None = None,
) -> Rendered:
    """Render every template of ``roles`` for every host.

    ``flows`` and ``copies`` are added to the clinic's own; ``other`` are variables in place of the clinic's.
    """
    facility = directory / "facility"
    shutil.copytree(ROOT / "inventory/qinghe", facility, ignore=shutil.ignore_patterns("vault.yml", ".*"))
    (facility / "group_vars/all/vault.yml").write_text(yaml.safe_dump(SECRETS))
    variables = facility / "group_vars/all/facility.yml"
    clinic = yaml.safe_load(variables.read_text(encoding="utf-8"))
    clinic["flows"] += flows
    clinic["backup_copies"] += copies
    clinic |= other or {}
    clinic["services"]["postgresql"] = {"tcp": [5432]}
    variables.write_text(yaml.safe_dump(clinic, allow_unicode=True), encoding="utf-8")
    book = directory / "render.yml"
    book.write_text(yaml.safe_dump([_play(role) for role in roles]))
    settings = {"ANSIBLE_CONFIG": ROOT / "playbooks/ansible.cfg", "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [program, "-i", facility / "hosts.yml", book],
        env={**os.environ, **{key: str(value) for key, value in settings.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    texts: Rendered = {}
    for play in json.loads(done.stdout[done.stdout.index("{") :])["plays"]:
        for host, result in play["tasks"][-1]["hosts"].items():
            texts.setdefault(host, {}).update(result["msg"])
    return texts


def _play(role: str) -> dict[str, Any]:
    """Return a play that looks every template of ``role`` up and shows the texts; no module runs on the host."""
    templates = sorted((ROLES / role / "templates").glob("*.j2"))
    look_up = "{{ lookup('ansible.builtin.template', '%s') }}"
    return {
        "name": role,
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(path) for path in sorted((ROLES / role).glob("[dv]*/main.yml"))],
        "vars": {"restic_register_sources": {"stdout_lines": SOURCES}},
        "tasks": [
            {
                "name": "Render",
                "ansible.builtin.debug": {
                    "msg": {f"{role}/{path.stem}": look_up % path for path in templates if path.stem != "sandbox"}
                },
            }
        ],
    }
