"""The module that keeps a host's virtual environment at the locked wheels, with a real pip."""

import base64
import hashlib
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from playbooks.library.python_environment import installed
from tests.playbooks.modules import run_module

PYTHON = "/usr/bin/python3"
pytestmark = pytest.mark.skipif(
    not Path(PYTHON).exists()
    or subprocess.run([PYTHON, "-c", "import ensurepip"], capture_output=True, check=False).returncode != 0,
    reason="needs Debian's python3-venv",
)


def make_wheel(directory: Path, name: str, version: str, code: str) -> dict[str, str]:
    """Make a wheel of one module; return it as the manifest names it."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        record += f"{path},sha256={digest},{len(text)}\n"
    wheel = directory / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(path, text)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return {"name": name, "version": version, "file": wheel.name, "sha256": digest}


class Host:
    """A place with wheels and an environment."""

    def __init__(self, directory: Path) -> None:
        self.wheels = directory / "wheels"
        self.path = directory / "venv"
        self.wheels.mkdir()

    def run(self, *packages: dict[str, str], check: bool = False) -> dict[str, Any]:
        arguments = {"path": str(self.path), "packages": list(packages), "source": self.wheels.as_uri()}
        return run_module("python_environment", {**arguments, "ca": "/dev/null", "verify": ["mine"]}, check=check)

    def says(self, code: str) -> str:
        return subprocess.run(
            [self.path / "bin/python", "-c", code], capture_output=True, text=True, check=False
        ).stdout.strip()

    @property
    def site(self) -> Path:
        return next(self.path.glob("lib/python3*/site-packages"))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    return Host(tmp_path_factory.mktemp("host"))


def test_the_life_of_an_environment(host: Host):
    mine = make_wheel(host.wheels, "mine", "0.1.0+abc", "SAYS = 'one'\n")
    other = make_wheel(host.wheels, "other", "2.0", "SAYS = 'other'\n")

    assert host.run(mine, other, check=True)["changed"] is True
    assert not host.path.exists()

    assert host.run(mine, other)["installed"] == [mine["file"], other["file"]]
    assert host.says("import mine, other; print(mine.SAYS, other.SAYS)") == "one other"
    marker = (host.path / ".installed").stat()
    assert host.run(mine, other)["changed"] is False
    assert (host.path / ".installed").stat().st_ctime_ns == marker.st_ctime_ns

    newer = make_wheel(host.wheels, "mine", "0.1.0+def", "SAYS = 'two'\n")
    result = host.run(newer, other)
    assert result["installed"] == [newer["file"]]
    assert "-mine 0.1.0+abc" not in result["diff"]["after"]
    assert host.says("import mine; print(mine.SAYS)") == "two"
    assert (host.path / ".installed").stat().st_ctime_ns > marker.st_ctime_ns

    (host.site / "mine.py").write_text("SAYS = 'too'\n")  # same size: only the digest tells
    assert host.run(newer, other)["damaged"] == {"mine": "mine.py"}
    assert host.says("import mine; print(mine.SAYS)") == "two"

    (host.site / "other.py").write_text("cut")
    assert host.run(newer, other)["damaged"] == {"other": "other.py"}

    assert host.run(newer)["removed"] == ["other"]
    assert host.says("import other") == ""
    assert sorted(set(installed(str(host.path), [])) - {"pip", "setuptools"}) == ["mine"]


def test_a_wheel_that_is_not_the_locked_one_is_refused(host: Host):
    wrong = make_wheel(host.wheels, "wrong", "1.0", "") | {"sha256": "0" * 64}
    result = host.run(wrong)
    assert result["failed"] is True
    assert "installing from the wheelhouse failed" in result["msg"]
    assert host.says("import wrong; print(1)") == ""


def test_an_environment_cut_while_it_was_made_is_made_anew(host: Host):
    mine = make_wheel(host.wheels, "mine", "0.1.0+abc", "SAYS = 'one'\n")
    host.run(mine)
    shutil.rmtree(host.site / "pip")
    for info in host.site.glob("pip-*.dist-info"):
        shutil.rmtree(info)
    assert host.run(mine)["changed"] is True
    assert host.says("import mine; print(mine.SAYS)") == "one"


def test_a_store_of_files_names_what_is_missing_and_removes_what_is_wrong(tmp_path: Path):
    digest = hashlib.sha256(b"good").hexdigest()
    (tmp_path / "good").write_bytes(b"good")
    (tmp_path / "half").write_bytes(b"go")
    (tmp_path / "old").write_bytes(b"old")
    wanted = {"good": digest, "half": digest, "new": digest}
    check = run_module("file_store", {"path": str(tmp_path), "files": wanted}, check=True)
    assert (check["missing"], check["removed"]) == (["half", "new"], ["half", "old"])
    assert (tmp_path / "old").exists()
    assert run_module("file_store", {"path": str(tmp_path), "files": wanted})["changed"] is True
    assert [path.name for path in tmp_path.iterdir()] == ["good"]
    again = run_module("file_store", {"path": str(tmp_path), "files": wanted})
    assert (again["changed"], again["missing"]) == (False, ["half", "new"])
