"""The wheelhouse: every Python package that a host installs, gathered on the controller by lock file.

``FACILITY/.wheelhouse/`` holds ``*.whl`` and ``manifest.json``: for each environment (``host-3.11``,
``appliance-3.13``, …) the exact wheels, with their SHA-256.  The roles ``wheelhouse`` and ``python`` read it.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from packaging.utils import parse_wheel_filename

from version import version

ROOT = Path(__file__).parents[1]
DIRECTORY = ".wheelhouse"
MANIFEST = "manifest.json"
LOCKS = ("host", "appliance")
PYTHONS = ("3.11", "3.13")  # Debian 12, Debian 13
# glibc 2.36 is Debian 12's; pip does not derive the older tags from a newer one.
PLATFORMS = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
FORMAT = 2
PROJECT = "xinglin"


class WheelhouseError(Exception):
    """A wheel could not be built or fetched; the message says which, why, and what to do next."""


@dataclass(frozen=True, order=True)
class Wheel:
    """One file of the wheelhouse."""

    name: str
    version: str
    file: str
    sha256: str


def prepare(facility: Path, say: Callable[[str], None]) -> Path:
    """Bring the facility's wheelhouse up to date and return its directory; ``say`` hears of long steps.

    What the manifest shows to be made from the present locks and sources, and whose wheels have their digests, is
    kept: a change of the sources alone builds one wheel.  Raises WheelhouseError.
    """
    directory = facility / DIRECTORY
    directory.mkdir(mode=0o755, exist_ok=True)
    manifest = _sound_manifest(directory)
    packages_key, own_key = _packages_key(), _own_key()
    if manifest.get("packages_key") == packages_key and manifest.get("own_key") == own_key:
        return directory
    with tempfile.TemporaryDirectory(dir=directory, prefix=".new-") as temporary:
        new = Path(temporary)
        if manifest.get("packages_key") == packages_key:
            environments = {
                name: [Wheel(**wheel) for wheel in wheels if wheel["name"] != PROJECT]
                for name, wheels in manifest["environments"].items()
            }
        else:
            say("wheelhouse: fetch the hosts' packages by lock file")
            environments = dict(_fetch_all(new, directory))
        say(f"wheelhouse: build {PROJECT} {version()}")
        own = _build(new / "own")
        environments = {name: sorted([own, *wheels]) for name, wheels in environments.items()}
        _install(new, directory, environments, {"packages_key": packages_key, "own_key": own_key})
    return directory


def _packages_key() -> str:
    """Return a digest of what the fetched packages depend on."""
    digest = hashlib.sha256(f"{FORMAT} {PYTHONS} {PLATFORMS}".encode())
    for lock in LOCKS:
        digest.update(_lock(lock).read_bytes())
    return digest.hexdigest()


def _own_key() -> str:
    """Return a digest of what the project's own wheel is made from: its sources and the page scripts in it."""
    digest = hashlib.sha256(version().encode())
    for asset in _assets():
        digest.update(asset.read_bytes() if asset.is_file() else b"missing")
    return digest.hexdigest()


def _lock(name: str) -> Path:
    return ROOT / "locks" / f"{name}.lock"


def _assets() -> list[Path]:
    """Return the files that the wheel holds besides its sources, as pyproject.toml names them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [ROOT / name for name in project["tool"]["hatch"]["build"]["targets"]["wheel"].get("artifacts", [])]


def _sound_manifest(directory: Path) -> dict[str, Any]:
    """Return the manifest when every wheel that it names is there with its digest, else {}."""
    try:
        manifest: dict[str, Any] = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        sound = all(sha256(directory / name) == digest for name, digest in manifest["files"].items())
    except (OSError, ValueError, KeyError):
        return {}
    return manifest if sound else {}


def sha256(path: Path) -> str:
    """Return the file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _build(out: Path) -> Wheel:
    missing = [str(asset.relative_to(ROOT)) for asset in _assets() if not asset.is_file()]
    if missing:
        raise WheelhouseError(
            f"the console's page scripts are missing ({missing[0]}). Next: in {ROOT / 'console'} run `npm ci`."
        )
    command = [_uv(), "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    _run("building the project's wheel", [*command, "--out-dir", str(out), str(ROOT)])
    return _wheel(next(out.glob("*.whl")))


def _uv() -> str:
    return str(Path(sys.executable).with_name("uv"))


def _wheel(path: Path) -> Wheel:
    name, release, _, _ = parse_wheel_filename(path.name)
    return Wheel(str(name), str(release), path.name, sha256(path))


def _fetch_all(new: Path, directory: Path) -> Iterator[tuple[str, list[Wheel]]]:
    """Yield (environment, wheels); each environment is fetched apart, so that its directory is its exact list."""
    targets = [(lock, python) for python in PYTHONS for lock in LOCKS]
    with ThreadPoolExecutor(max_workers=2) as pool:
        fetched = pool.map(lambda target: _fetch(target[0], target[1], new, directory), targets)
        for (lock, python), wheels in zip(targets, fetched, strict=True):
            yield f"{lock}-{python}", wheels


def _fetch(lock: str, python: str, new: Path, directory: Path) -> list[Wheel]:
    out = new / f"{lock}-{python}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--require-hashes", "--requirement", str(_lock(lock))]
    command += [
        "--implementation",
        "cp",
        "--python-version",
        python,
        "--dest",
        str(out),
        "--find-links",
        str(directory),
    ]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    _run(f"fetching locks/{lock}.lock for Python {python}", command)
    return [_wheel(path) for path in out.glob("*.whl")]


def _run(what: str, command: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise WheelhouseError(
            f"{what} failed (exit {done.returncode}). Next: check the route to the Python package index "
            f"(`pip config list`), then run again.\n{tail}"
        )


def _install(new: Path, directory: Path, environments: dict[str, list[Wheel]], keys: dict[str, str]) -> None:
    """Move the wheels into place, the manifest last; remove what no environment needs."""
    files = {wheel.file: wheel.sha256 for wheels in environments.values() for wheel in wheels}
    for path in new.glob("*/*.whl"):
        path.replace(directory / path.name)
    for old in directory.glob("*.whl"):
        if old.name not in files:
            old.unlink()
    manifest = {
        **keys,
        "files": files,
        "environments": {name: [asdict(wheel) for wheel in wheels] for name, wheels in environments.items()},
    }
    temporary = new / MANIFEST
    temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    temporary.replace(directory / MANIFEST)
