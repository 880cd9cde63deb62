"""Keep a virtual environment at exactly the wheels that a manifest names.

Options: ``path`` (the environment), ``packages`` (list of ``name``, ``version``, ``file``, ``sha256``), ``source`` (URL
of the directory that holds the files), ``ca`` (certificate authority for ``source``).

What is installed is read from the environment itself: version of each distribution, and for each file of it that it
is there with the size that its RECORD names, for the ones in ``verify`` its digest too, so that an installation cut by
a power failure is seen.  pip then gets the missing wheels by URL and digest, without an index.  Other distributions
are removed.  ``PATH/.installed`` is rewritten when something changed: services compare its time with theirs.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from urllib.parse import quote

from ansible.module_utils.basic import AnsibleModule

TOOLS = frozenset({"pip", "setuptools", "wheel"})
MARKER = ".installed"


@dataclass(frozen=True)
class Distribution:
    """An installed distribution; ``damage`` names its first file that is not as recorded, "" when all are."""

    name: str
    version: str
    damage: str


def normal(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return name.lower().replace("_", "-").replace(".", "-")


def damaged_file(site: str, record: str, deep: bool) -> str:
    """Return the first file of a RECORD that is missing or differs in size (``deep``: in digest), else ""."""
    try:
        with open(record, newline="", encoding="utf-8") as file:  # noqa: PTH123
            rows = list(csv.reader(file))
    except FileNotFoundError:
        return "RECORD"
    for name, digest, size in rows:
        path = os.path.normpath(os.path.join(site, name))  # noqa: PTH118
        if not size:  # RECORD itself and compiled files carry no size
            continue
        try:
            if os.stat(path).st_size != int(size) or (deep and _sha256(path) != digest):  # noqa: PTH116
                return name
        except FileNotFoundError:
            return name
    return ""


def _sha256(path: str) -> str:
    with open(path, "rb") as file:  # noqa: PTH123
        value = hashlib.file_digest(file, "sha256").digest()
    return "sha256=" + base64.urlsafe_b64encode(value).decode().rstrip("=")


def installed(path: str, verify: list[str]) -> dict[str, Distribution]:
    """Return the distributions in the environment ``path`` by normal name; none when there is no environment."""
    site = os.path.join(path, "lib", f"python3.{sys.version_info.minor}", "site-packages")  # noqa: PTH118
    found = {}
    for entry in os.scandir(site) if os.path.isdir(site) else ():  # noqa: PTH112
        if entry.name.endswith(".dist-info"):
            name, _, version = entry.name.removesuffix(".dist-info").rpartition("-")
            deep = normal(name) in verify
            damage = damaged_file(site, os.path.join(entry.path, "RECORD"), deep)  # noqa: PTH118
            found[normal(name)] = Distribution(normal(name), version, damage)
    return found


def listing(distributions: dict[str, str]) -> str:
    """Return name → version as sorted lines."""
    return "".join(f"{name} {version}\n" for name, version in sorted(distributions.items()))


class Environment:
    """The virtual environment and the pip in it."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.path: str = module.params["path"]
        self.python = os.path.join(self.path, "bin", "python")  # noqa: PTH118

    def run(self, what: str, command: list[str]) -> None:
        """Run a command; a failure ends the module with its last lines."""
        code, out, err = self.module.run_command(command)
        if code != 0:
            tail = "\n".join((out + err).strip().splitlines()[-8:])
            self.module.fail_json(
                msg=f"{what} failed (exit {code}). Next: see that {self.module.params['source']} answers on the "
                f"appliance (nginx) and that this host's clock is right.\n{tail}"
            )

    def is_usable(self) -> bool:
        """Tell whether the environment has a Python of this version that runs pip."""
        library = os.path.join(self.path, "lib", f"python3.{sys.version_info.minor}")  # noqa: PTH118
        if not os.path.isdir(library) or not os.path.exists(self.python):  # noqa: PTH110, PTH112
            return False
        return "pip" in installed(self.path, [])

    def create(self) -> None:
        """Make the environment anew."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.run("making the virtual environment", ["/usr/bin/python3", "-m", "venv", self.path])

    def install(self, packages: list[dict[str, str]]) -> None:
        """Install the wheels, and nothing else, by URL and digest."""
        with tempfile.NamedTemporaryFile("w", suffix=".txt", dir=self.module.tmpdir) as requirements:
            for package in packages:
                url = f"{self.module.params['source'].rstrip('/')}/{quote(package['file'])}"
                requirements.write(f"{package['name']} @ {url} --hash=sha256:{package['sha256']}\n")
            requirements.flush()
            command = [self.python, "-m", "pip", "--isolated", "--quiet", "--no-input", "--disable-pip-version-check"]
            command += ["install", "--no-index", "--no-deps", "--require-hashes", "--force-reinstall"]
            command += ["--cert", self.module.params["ca"], "--retries", "2", "--requirement", requirements.name]
            self.run("installing from the wheelhouse", command)

    def remove(self, names: list[str]) -> None:
        """Remove distributions."""
        self.run("removing packages", [self.python, "-m", "pip", "--isolated", "uninstall", "--quiet", "-y", *names])

    def mark(self, text: str) -> bool:
        """Write the marker when it says something else; return whether it did."""
        marker = os.path.join(self.path, MARKER)  # noqa: PTH118
        if os.path.exists(marker):  # noqa: PTH110
            with open(marker, encoding="utf-8") as file:  # noqa: PTH123
                if file.read() == text:
                    return False
        with open(marker + ".new", "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text)
        os.replace(marker + ".new", marker)  # noqa: PTH105
        return True


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "packages": {"type": "list", "elements": "dict", "required": True},
            "source": {"type": "str", "required": True},
            "ca": {"type": "path", "required": True},
            "verify": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    environment = Environment(module)
    usable = environment.is_usable()
    present = installed(environment.path, module.params["verify"]) if usable else {}
    wanted = {normal(package["name"]): package for package in module.params["packages"]}
    sound = {
        name for name, one in present.items() if not one.damage and one.version == wanted.get(name, {}).get("version")
    }
    missing = [package for name, package in wanted.items() if name not in sound]
    extra = sorted(present.keys() - wanted.keys() - TOOLS)
    if not module.check_mode:
        if not usable:
            environment.create()
        if missing:
            environment.install(missing)
        if extra:
            environment.remove(extra)
    after = listing({name: package["version"] for name, package in wanted.items()})
    digests = "".join(f"{package['sha256']} {package['file']}\n" for _, package in sorted(wanted.items()))
    changed = not usable or bool(missing or extra)
    if not module.check_mode:
        changed = environment.mark(digests) or changed
    module.exit_json(
        changed=changed,
        installed=[package["file"] for package in missing],
        removed=extra,
        damaged={one.name: one.damage for one in present.values() if one.damage},
        diff={
            "before": listing({one.name: one.version for one in present.values() if one.name not in TOOLS}),
            "after": after,
            "before_header": environment.path,
            "after_header": environment.path,
        },
    )


if __name__ == "__main__":
    main()
