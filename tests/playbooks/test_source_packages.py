"""A host gets the programs of the sources that its own policies name, and no others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.playbooks.rendered import ROLES, ROOT

POLICIES = [
    {
        "name": "office",
        "hosts": ["appliance1"],
        "sources": [
            {"paths": ["/etc"], "smb": None},
            {"devices": ["gw1"]},
            {"smb": {"share": "//198.18.0.200/公共", "user": "backup", "secret": "vault_smb_office"}},
        ],
    },
    {"name": "his", "hosts": ["his1"], "sources": [{"mariadb": {"database": "his"}}, {"paths": ["/etc"]}]},
    {"name": "files", "hosts": ["pacs1"], "sources": [{"paths": ["/srv"]}]},
]


def test_packages_follow_the_kinds_of_a_hosts_own_sources(tmp_path: Path) -> None:
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars_files": [str(ROLES / "backup/vars/main.yml")],
        "vars": {
            "backup_policies": POLICIES,
            "gateways": [{"name": "gw1", "platform": "openwrt", "address": "198.18.0.129", "host_key": "key"}],
            "access_points": [],
        },
        "tasks": [
            {
                "ansible.builtin.copy": {
                    "content": "{{ backup_needed_packages | to_json }}",
                    "dest": f"{tmp_path}/{{{{ inventory_hostname }}}}",
                    "mode": "0600",
                }
            }
        ],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play], allow_unicode=True), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-c", "local"]
    command += ["-i", "appliance1,his1,pacs1", str(tmp_path / "play.yml")]
    environment = os.environ | {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stdout
    got = {host: json.loads((tmp_path / host).read_text()) for host in ("appliance1", "his1", "pacs1")}
    assert got == {"appliance1": ["openssh-client", "smbclient"], "his1": ["mariadb-client"], "pacs1": []}
