"""The gatherer on this very machine, and the file it leaves."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agent.facts.gather import gather, host_name, main_gather, write_atomic
from agent.facts.probes import PROBES

ROOT = Path(__file__).resolve().parents[2]
FIELDS = {"name", "command", "at", "duration_seconds", "exit_code", "stdout", "stderr", "truncated"}

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the gatherer runs as root")
on_debian = pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="needs Debian")


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    output = tmp_path_factory.mktemp("facts") / "facts.json"
    main_gather(output)
    found: dict[str, object] = json.loads(output.read_text(encoding="utf-8"))
    return found


def test_the_document_has_the_agreed_format(document: dict[str, object]):
    assert set(document) == {"schema", "host", "gathered_at", "boot_id", "probes"}
    assert document["schema"] == 1
    probes = document["probes"]
    assert isinstance(probes, list)
    assert [probe["name"] for probe in probes] == [probe.name for probe in PROBES]
    assert all(set(probe) == FIELDS for probe in probes)


@as_root
@on_debian
def test_what_every_debian_host_has_is_read(document: dict[str, object]):
    probes = document["probes"]
    assert isinstance(probes, list)
    found = {probe["name"]: probe for probe in probes}
    always = (
        "os_release",
        "kernel",
        "accounts",
        "shadow",
        "groups",
        "login_defs",
        "packages",
        "log_space",
        "log_files",
    )
    assert {name: found[name]["exit_code"] for name in always} == dict.fromkeys(always, 0)
    assert "root:x:0:0::" in found["accounts"]["stdout"]
    assert "\nii  base-files " in found["packages"]["stdout"]
    assert not any(probe["truncated"] for probe in probes)


@as_root
@on_debian
@pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare (util-linux)")
def test_gathering_writes_nothing_anywhere_on_the_host(tmp_path: Path):
    # The whole host as the lower layer of an overlay: whatever a probe writes shows up in the upper layer.
    script = f"""
        set -e
        mount -t tmpfs tmpfs {tmp_path}
        mkdir {tmp_path}/upper {tmp_path}/work {tmp_path}/host
        mount -t overlay overlay -o lowerdir=/,upperdir={tmp_path}/upper,workdir={tmp_path}/work {tmp_path}/host
        for d in proc sys dev; do mount --rbind /$d {tmp_path}/host/$d; done
        PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={ROOT} chroot {tmp_path}/host {sys.executable} -c '
import json
from agent.facts.gather import gather
print(json.dumps([p["exit_code"] for p in gather()["probes"]]))'
        cd {tmp_path}/upper
        find . -not -type d
    """
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    if "mount" in done.stderr:
        pytest.skip(f"no overlay over this machine's root: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    codes, *written = done.stdout.splitlines()
    assert json.loads(codes).count(0) >= 15
    assert written == []


def test_the_file_is_for_root_and_the_agent_only(tmp_path: Path):
    output = tmp_path / "facts.json"
    write_atomic({"schema": 1}, output)
    assert stat.S_IMODE(output.stat().st_mode) == 0o640
    assert json.loads(output.read_text(encoding="utf-8")) == {"schema": 1}


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path):
    output = tmp_path / "facts.json"
    write_atomic({"schema": 1}, output)
    with pytest.raises(TypeError):
        write_atomic({"schema": object()}, output)
    assert [path.name for path in tmp_path.iterdir()] == ["facts.json"]
    assert json.loads(output.read_text(encoding="utf-8")) == {"schema": 1}


def test_a_directory_that_is_missing_is_an_error_of_its_own(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        write_atomic({}, tmp_path / "none" / "facts.json")


def test_the_host_has_the_name_the_facility_gives_it(tmp_path: Path):
    config = tmp_path / "agent.json"
    config.write_text('{"host": "his1"}', encoding="utf-8")
    assert host_name(config) == "his1"
    assert host_name(tmp_path / "none.json") == os.uname().nodename


def test_gathering_needs_nothing_but_the_standard_library():
    code = (
        "import sys, agent.facts.gather; "
        "print(sorted({m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.replace("'", '"')) == ["__main__", "agent"]


def test_an_empty_registry_gives_an_empty_list():
    assert gather(())["probes"] == []
