"""The wheelhouse: what is kept, what is made anew, what is in the project's wheel."""

import json
import zipfile
from pathlib import Path

import pytest

from playbooks import wheelhouse
from playbooks.wheelhouse import MANIFEST, Wheel, WheelhouseError, prepare, sha256
from version import version

ASSETS = [asset for asset in wheelhouse._assets() if not asset.is_file()]


def stocked(facility: Path, *, own_key: str) -> Path:
    """Make a wheelhouse as a former run left it: locks as now, sources of ``own_key``."""
    directory = facility / ".wheelhouse"
    directory.mkdir()
    files = {}
    for name in ("click-8.5.1-py3-none-any.whl", "xinglin-0.1.0+old-py3-none-any.whl"):
        (directory / name).write_bytes(name.encode())
        files[name] = sha256(directory / name)
    wheels = [
        {"name": name.split("-")[0], "version": name.split("-")[1], "file": name, "sha256": digest}
        for name, digest in files.items()
    ]
    manifest = {"packages_key": wheelhouse._packages_key(), "own_key": own_key, "files": files}
    (directory / MANIFEST).write_text(json.dumps({**manifest, "environments": {"host-3.11": wheels}}))
    return directory


def test_what_is_up_to_date_is_not_touched(tmp_path: Path):
    directory = stocked(tmp_path, own_key=wheelhouse._own_key())
    before = (directory / MANIFEST).stat().st_mtime_ns
    assert prepare(tmp_path, pytest.fail) == directory
    assert (directory / MANIFEST).stat().st_mtime_ns == before


@pytest.mark.parametrize("harm", ["half", "missing", "no manifest"])
def test_a_wheel_that_is_not_whole_makes_the_manifest_worthless(tmp_path: Path, harm: str):
    directory = stocked(tmp_path, own_key="x")
    wheel = next(directory.glob("click*"))
    if harm == "half":
        wheel.write_bytes(b"cl")
    elif harm == "missing":
        wheel.unlink()
    else:
        (directory / MANIFEST).write_text("{")
    assert wheelhouse._sound_manifest(directory) == {}


@pytest.mark.skipif(bool(ASSETS), reason=f"needs {[asset.name for asset in ASSETS]}: run `npm ci` in console/")
def test_a_change_of_the_sources_builds_one_wheel_and_keeps_the_others(tmp_path: Path):
    directory = stocked(tmp_path, own_key="older sources")
    said: list[str] = []
    prepare(tmp_path, said.append)
    assert said == [f"wheelhouse: build xinglin {version()}"]
    manifest = json.loads((directory / MANIFEST).read_text())
    own, kept = sorted((Wheel(**wheel) for wheel in manifest["environments"]["host-3.11"]), reverse=True)
    assert (own.name, own.version, kept.name) == ("xinglin", version(), "click")
    assert sorted(manifest["files"]) == sorted(path.name for path in directory.glob("*.whl")) == [kept.file, own.file]
    with zipfile.ZipFile(directory / own.file) as wheel:
        names = wheel.namelist()
    for name in ("xinglin.py", "agent/cli.py", "backup/cli/__init__.py", "playbooks/site.yml", "console/cli.py"):
        assert name in names
    assert not [
        name for name in names if "node_modules" in name and not name.endswith(("min.js", "min.css", "LICENSE"))
    ]


def test_a_program_that_fails_is_named_with_its_last_words_and_the_next_step():
    with pytest.raises(WheelhouseError, match=r"fetching failed \(exit 2\)\. Next: .*") as caught:
        wheelhouse._run("fetching", ["ls", "--no-such-option"])
    assert "no-such-option" in str(caught.value)
