"""First contact: from the credential that came with a host to the operator's key, once.

A host counts as known when its host key is in ``FACILITY/known_hosts``; it is written there only after a login with
the operator's key has been seen to work.  From then on no password is used any more.
"""

import os
import stat
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from playbooks.login import (
    Credential,
    FirstContactError,
    Target,
    key_login_works,
    no_credential,
    setup_script,
    with_credential,
)

KNOWN_HOSTS = "known_hosts"
PARALLEL = 8


@dataclass(frozen=True)
class Contacts:
    """What first contact found.

    ``lines``: host → known_hosts line; ``ready``: host → the operator's key works there; ``used``: host → the
    credential with which it was looked at, where the key does not work; ``problems``: host → why it failed.
    """

    lines: Mapping[str, str]
    ready: Mapping[str, bool]
    used: Mapping[str, Credential]
    problems: Mapping[str, str]


def read_credentials(path: Path) -> dict[str, Credential]:
    """Return host → credential from ``path`` ({host: {user, password}}); {} when there is no such file.

    Raises FirstContactError for a file that others can read, or that is not of that form.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return {}
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or status.st_uid != os.geteuid():
        raise FirstContactError(f"{path} holds passwords, and others can read it. Next: chown it to you, chmod 600.")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return {str(host): Credential(str(entry["user"]), str(entry["password"])) for host, entry in content.items()}
    except (yaml.YAMLError, AttributeError, TypeError, KeyError):
        # The parser's own message could quote a password.
        raise FirstContactError(f"{path} is not of the form `HOST: {{user: NAME, password: TEXT}}`.") from None


def unknown(targets: Sequence[Target]) -> list[Target]:
    """Return the targets whose host key is not recorded yet."""
    return [target for target in targets if target.known_name not in _recorded(target.known_hosts)]


def _recorded(known_hosts: Path) -> set[str]:
    if not known_hosts.is_file():
        return set()
    lines = known_hosts.read_text(encoding="utf-8").splitlines()
    return {name for line in lines if line.strip() and not line.startswith("#") for name in line.split()[0].split(",")}


def record(known_hosts: Path, lines: Sequence[str]) -> None:
    """Add lines to known_hosts, in one step."""
    present = known_hosts.read_text(encoding="utf-8") if known_hosts.is_file() else ""
    temporary = known_hosts.with_name(known_hosts.name + ".new")
    temporary.write_text(present + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    temporary.replace(known_hosts)


def contact(
    targets: Sequence[Target],
    credentials: Mapping[str, Credential],
    visit: Callable[[Target, Credential | None], tuple[str, bool]],
) -> Contacts:
    """Visit (:func:`take_over` or :func:`inspect`) the targets side by side; one that fails stops no other."""

    def one(target: Target) -> tuple[str, bool] | FirstContactError:
        try:
            return visit(target, credentials.get(target.name))
        except FirstContactError as error:
            return error

    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        answers = dict(zip((target.name for target in targets), pool.map(one, targets), strict=True))
    found = {name: answer for name, answer in answers.items() if isinstance(answer, tuple)}
    return Contacts(
        lines={name: line for name, (line, _) in found.items()},
        ready={name: ready for name, (_, ready) in found.items()},
        used={name: credentials[name] for name, (_, ready) in found.items() if not ready},
        problems={name: str(answer) for name, answer in answers.items() if isinstance(answer, FirstContactError)},
    )


def take_over(target: Target, credential: Credential | None) -> tuple[str, bool]:
    """Make the operator's account on a host; return (known_hosts line, True) once a login with the key works.

    A host that takes the operator's key already is left as it is.  Otherwise ``credential`` logs in once, makes
    account, key and sudo rule, and a new login with the key is tried.  Raises FirstContactError.
    """
    line, ready = _look(target, credential, setup_script(target))
    if not ready:
        with tempfile.TemporaryDirectory(prefix="xinglin-contact-") as directory:
            seen = Path(directory) / KNOWN_HOSTS
            seen.write_text(line + "\n", encoding="utf-8")
            problem = key_login_works(target, seen)
        if problem:
            raise FirstContactError(
                f"{target.name}: the operator's key was installed, but a login with it fails: {problem}. "
                f"Next: read `journalctl -u ssh` on the host (AllowUsers, home directory), then run again."
            )
    return line, True


def inspect(target: Target, credential: Credential | None) -> tuple[str, bool]:
    """Look at a host, changing nothing; return (known_hosts line, whether the operator's key works there)."""
    return _look(target, credential, "true")


def _look(target: Target, credential: Credential | None, script: str) -> tuple[str, bool]:
    with tempfile.TemporaryDirectory(prefix="xinglin-contact-") as directory:
        seen = Path(directory) / KNOWN_HOSTS
        problem = key_login_works(target, seen, strict="accept-new")
        if not problem:
            return seen.read_text(encoding="utf-8").splitlines()[0], True
    if credential is None:
        raise FirstContactError(no_credential(target, problem))
    return with_credential(target, credential, script), False


def credential_variables(credential: Credential) -> dict[str, Any]:
    """Return Ansible's connection variables for a check of a host that has no operator yet."""
    variables: dict[str, Any] = {"ansible_user": credential.user, "ansible_password": credential.password}
    if credential.user == "root":
        return {**variables, "ansible_become": False}
    return {**variables, "ansible_become_password": credential.password}


def fingerprint(known_hosts_line: str) -> str:
    """Return the SHA-256 fingerprint of a known_hosts line, as ssh-keygen shows it."""
    done = subprocess.run(
        ["ssh-keygen", "-lf", "-"], input=known_hosts_line, capture_output=True, text=True, check=True
    )
    return done.stdout.split()[1]
