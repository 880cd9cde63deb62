"""`xinglin provision` with a real Ansible, where no host is needed; the hosts themselves are the lab's matter."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from inventory.create import make_secrets
from playbooks.cli import provision, report
from playbooks.engine import AnsibleError, RunRequest, environment, new_record, run, strategy
from playbooks.progress import Progress
from playbooks.record import RunStatus
from playbooks.runner import Outcome
from tests.playbooks.rendered import ROOT

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOSTS = "all: {hosts: {one: {ansible_connection: local, ansible_python_interpreter: /usr/bin/python3}}}\n"
BOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - {name: Look, ansible.builtin.command: "true", changed_when: false}
    - {name: Touch, ansible.builtin.file: {path: "{{ inventory_dir }}/made", state: directory, mode: "0700"}}
"""
SLOW = (
    BOOK
    + """
    - {name: Wait, ansible.builtin.command: sleep 60, changed_when: false}
"""
)
RUN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from playbooks.engine import RunRequest, new_record, run
from playbooks.progress import Progress
from playbooks.record import to_json
request = RunRequest(Path(sys.argv[1]), playbook=sys.argv[2])
print(to_json(run(request, new_record(request, datetime.now(UTC)), Progress(sys.stderr))))
"""


@pytest.fixture
def facility(tmp_path: Path) -> Path:
    (tmp_path / "hosts.yml").write_text(HOSTS)
    return tmp_path


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    directory = tmp_path / "clinic"
    shutil.copytree(ROOT / "inventory/qinghe", directory)
    make_secrets(directory)
    return directory


def start(facility: Path, book: str) -> "subprocess.Popen[str]":
    path = facility / "book.yml"
    path.write_text(book)
    command = [sys.executable, "-c", RUN, str(facility), str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def test_a_run_is_recorded_and_leaves_no_private_file(facility: Path):
    with start(facility, BOOK) as process:
        out, _ = process.communicate()
    record = json.loads(out)
    assert record["status"] == "successful"
    assert [(task["task"], task["status"]) for task in record["tasks"]] == [("Look", "ok"), ("Touch", "changed")]
    assert (facility / "made").is_dir()
    assert list((facility / ".runs").iterdir()) == []


def test_ctrl_c_ends_the_run_and_is_on_record(facility: Path):
    with start(facility, SLOW) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Touch" in line:
                process.send_signal(signal.SIGINT)
                break
        out, _ = process.communicate(timeout=60)
    record = json.loads(out)
    assert record["status"] == "canceled"
    assert record["hosts"]["one"]["changed"] == 1
    assert list((facility / ".runs").iterdir()) == []
    assert subprocess.run(["pgrep", "-f", str(facility)], capture_output=True, text=True, check=False).stdout == ""


def test_a_playbook_that_ansible_refuses_is_an_error_with_what_it_said(facility: Path):
    book = facility / "book.yml"
    book.write_text("- hosts: all\n  tasks: [{no_such_module_anywhere: {}}]\n")
    request = RunRequest(facility, playbook=str(book))
    old = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(AnsibleError, match="no_such_module_anywhere"):
            run(request, new_record(request, NOW), Progress(sys.stderr))
    finally:
        signal.signal(signal.SIGINT, old[0])
        signal.signal(signal.SIGTERM, old[1])


def test_no_secret_is_in_ansible_s_environment_but_the_way_to_the_vault_is(clinic: Path):
    settings = environment(RunRequest(clinic), clinic)
    assert settings["ANSIBLE_VAULT_PASSWORD_FILE"] == str(clinic / ".vault-password")
    password = (clinic / ".vault-password").read_text().strip()
    assert password not in json.dumps(settings)


def test_the_fast_strategy_is_there():
    assert (Path(strategy()["ANSIBLE_STRATEGY_PLUGINS"]) / "mitogen_linear.py").is_file()


def test_a_mistake_in_the_facility_is_answered_before_any_host_is_touched(clinic: Path):
    variables = clinic / "group_vars/all/facility.yml"
    variables.write_text(variables.read_text(encoding="utf-8").replace("mlps_level: 2", "mlps_level: 7"))
    done = CliRunner().invoke(provision, [str(clinic)])
    assert done.exit_code == 2
    assert "facility.yml" in done.output
    assert "mlps_level" in done.output
    assert not (clinic / ".runs").exists()


def test_a_limit_to_nobody_is_refused_with_the_names_there_are(clinic: Path):
    done = CliRunner().invoke(provision, [str(clinic), "--limit", "hsi1"])
    assert done.exit_code == 2
    assert "'hsi1'" in done.output
    assert "appliance, appliance1, his1" in done.output


def test_hosts_that_are_not_there_are_each_named_and_the_run_is_kept(clinic: Path):
    hosts = clinic / "hosts.yml"
    hosts.write_text(hosts.read_text(encoding="utf-8").replace("zone: servers", "zone: servers\n      ansible_port: 1"))
    for name in ("hosts.yml", "group_vars/all/facility.yml"):
        path = clinic / name
        path.write_text(path.read_text(encoding="utf-8").replace("198.18.0.", "127.0.0."), encoding="utf-8")
    done = CliRunner().invoke(provision, [str(clinic), "--limit", "his1"])
    assert done.exit_code == 1, done.output
    assert "his1" in done.output
    assert "Connection refused" in done.output
    assert "first-contact.yml" in done.output
    assert "appliance1 " not in done.stdout
    record = json.loads(next((clinic / ".runs").glob("*.json")).read_text())
    assert (record["status"], record["limit"]) == ("unreachable", "his1")
    assert record["hosts"]["his1"]["unreachable"] == 1


def test_the_report_says_so_when_nothing_changed():
    record = new_record(RunRequest(Path("/clinic")), NOW)
    ended = Outcome(RunStatus.SUCCESSFUL, 0, (), replace(record, status=RunStatus.SUCCESSFUL))
    assert report(ended).endswith("successful, nothing to change")
