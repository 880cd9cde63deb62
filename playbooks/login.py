"""Logging in at a host: with the operator's key as Ansible does, or once with the credential that came with it."""

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

CREDENTIALS = "first-contact.yml"
CONNECT_TIMEOUT_SECONDS = 10
COMMAND_TIMEOUT_SECONDS = 300


class FirstContactError(Exception):
    """A host could not be taken over; the message names place, cause and next step."""


@dataclass(frozen=True)
class Credential:
    """The login that came with a host.  Never shown: ``password`` is not part of the representation."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credential(user={self.user!r})"


@dataclass(frozen=True)
class Target:
    """A host and how the operator will log in there; ``public_key`` is the operator's, one line."""

    name: str
    address: str
    port: int
    operator: str
    key: Path
    known_hosts: Path

    @property
    def known_name(self) -> str:
        """The host as known_hosts writes it."""
        return self.address if self.port == 22 else f"[{self.address}]:{self.port}"

    @property
    def credentials_file(self) -> Path:
        """Where a person gives first logins."""
        return self.known_hosts.with_name(CREDENTIALS)

    @property
    def public_key(self) -> str:
        """The operator's public key, one line."""
        return self.key.with_name(self.key.name + ".pub").read_text(encoding="utf-8").strip()


def ssh_command(target: Target, known_hosts: Path, strict: str = "yes") -> list[str]:
    """Return the ssh command line, up to the remote command, of a new login with the operator's key.

    ``strict`` is OpenSSH's StrictHostKeyChecking; with "accept-new" the host's key is added to ``known_hosts``.
    """
    options = {
        "BatchMode": "yes",
        "ControlPath": "none",
        "ConnectTimeout": str(CONNECT_TIMEOUT_SECONDS),
        "IdentitiesOnly": "yes",
        "PasswordAuthentication": "no",
        "StrictHostKeyChecking": strict,
        "UserKnownHostsFile": str(known_hosts),
        "GlobalKnownHostsFile": "none",
        "HashKnownHosts": "no",
    }
    command = ["ssh", "-F", "none", "-i", str(target.key), "-p", str(target.port)]
    command += [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    return [*command, f"{target.operator}@{target.address}"]


def received(name: str, size: int) -> str:
    """Return the remote shell's command that stores stdin as ``name`` (quoted); it fails unless ``size`` bytes came.

    To the remote command, a connection that broke looks like the end of what was sent.
    """
    return f'cat >{name} && [ "$(stat -c %s {name})" -eq {size} ]'


def key_login_works(target: Target, known_hosts: Path, strict: str = "yes") -> str:
    """Try a login with the operator's key and become root; return "" when both work, else what ssh says."""
    command = [*ssh_command(target, known_hosts, strict), "sudo -n true"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMMAND_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return f"no answer within {COMMAND_TIMEOUT_SECONDS} s"
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["ssh failed"])[-1]


def with_credential(target: Target, credential: Credential, script: str) -> str:
    """Log in with the credential, run ``script`` as root and return the host's known_hosts line."""
    import fabric  # noqa: PLC0415 - half a second that only first contact needs
    import invoke  # noqa: PLC0415
    import paramiko  # type: ignore[import-untyped]  # noqa: PLC0415

    config = fabric.Config(overrides={"load_ssh_configs": False, "sudo": {"password": credential.password}})
    connection = fabric.Connection(
        target.address,
        user=credential.user,
        port=target.port,
        config=config,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        connect_kwargs={"password": credential.password, "look_for_keys": False, "allow_agent": False},
    )
    command = f"sh -c {shlex.quote(script)}"
    run = connection.run if credential.user == "root" else connection.sudo
    place = f"{target.name} ({target.address})"
    try:
        with connection:
            run(command, hide=True, in_stream=False, timeout=COMMAND_TIMEOUT_SECONDS)
            key = connection.transport.get_remote_server_key()
            return f"{target.known_name} {key.get_name()} {key.get_base64()}"
    except paramiko.AuthenticationException:
        raise FirstContactError(
            f"{place}: the first login of {credential.user!r} is refused. Next: correct user and password in "
            f"{target.credentials_file}; root usually may not log in with a password."
        ) from None
    except invoke.exceptions.AuthFailure:
        raise FirstContactError(
            f"{place}: {credential.user!r} may not become root with sudo. Next: add it to the group sudo on the host."
        ) from None
    except invoke.exceptions.UnexpectedExit as error:
        said = (error.result.stderr.strip().splitlines() or ["no message"])[-1]
        raise FirstContactError(f"{place}: making the operator's account failed: {said}.") from None
    except (OSError, EOFError, paramiko.SSHException, invoke.exceptions.CommandTimedOut) as error:
        raise FirstContactError(
            f"{place}: no SSH connection: {error}. Next: see that the host is on and its cable in place."
        ) from None


def no_credential(target: Target, problem: str) -> str:
    return (
        f"{target.name} ({target.address}): not taken over yet, and it refuses the operator's key ({problem}). "
        f"Next: give its first login in {target.credentials_file} (0600) as "
        f"`{target.name}: {{user: NAME, password: TEXT}}`, then run again."
    )


def setup_script(target: Target) -> str:
    """Return the shell script, run as root, that makes the operator's account; it may run any number of times."""
    user, key = shlex.quote(target.operator), shlex.quote(target.public_key)
    return f"""
set -eu
missing=
command -v sudo >/dev/null || missing=sudo
command -v python3 >/dev/null || missing="$missing python3"
if [ -n "$missing" ]; then
    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install $missing >/dev/null ||
        {{ echo "the host has no $missing and cannot install it" >&2; exit 1; }}
fi
id -u {user} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --comment 'Xinglin operator' {user}
home=$(getent passwd {user} | cut -d: -f6)
install -d -m 700 -o {user} -g "$(id -g {user})" "$home/.ssh"
keys=$home/.ssh/authorized_keys
touch "$keys"
grep -qxF {key} "$keys" || printf '%s\\n' {key} >>"$keys"
chown {user}: "$keys"
chmod 600 "$keys"
rule=$(mktemp)
printf '%s ALL=(ALL:ALL) NOPASSWD: ALL\\n' {user} >"$rule"
visudo -cqf "$rule"
install -m 440 "$rule" /etc/sudoers.d/xinglin-operator
rm -f "$rule"
"""
