"""First contact: what is read, recorded and said.  The logins themselves are tested on the lab's real hosts."""

import subprocess
from pathlib import Path

import pytest

from playbooks.first_contact import (
    Contacts,
    contact,
    credential_variables,
    fingerprint,
    read_credentials,
    record,
    take_over,
    unknown,
)
from playbooks.login import Credential, FirstContactError, Target, key_login_works, setup_script, ssh_command

NOBODY = "198.18.201.9"  # the lab's range, no host


@pytest.fixture
def target(tmp_path: Path) -> Target:
    key = tmp_path / "operator_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "it's me", "-f", key], check=True)
    return Target("his1", "127.0.0.1", 1, "xinglin-ops", key, tmp_path / "known_hosts")


def credentials(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "first-contact.yml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_credentials_are_read_and_never_shown(tmp_path: Path):
    read = read_credentials(credentials(tmp_path, "his1: {user: debian, password: s3cret}\n"))
    assert read == {"his1": Credential("debian", "s3cret")}
    assert "s3cret" not in repr(read)
    assert read_credentials(tmp_path / "absent.yml") == {}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_of_passwords_that_others_can_read_is_refused(tmp_path: Path, mode: int):
    with pytest.raises(FirstContactError, match="chmod 600"):
        read_credentials(credentials(tmp_path, "his1: {user: a, password: b}\n", mode))


@pytest.mark.parametrize("text", ["his1: s3cret", "- s3cret", "his1: {user: a, pass: s3cret}", "his1: {s3cret"])
def test_a_mistake_in_the_file_is_named_without_quoting_it(tmp_path: Path, text: str):
    with pytest.raises(FirstContactError, match="not of the form") as caught:
        read_credentials(credentials(tmp_path, text))
    assert "s3cret" not in str(caught.value)


def test_a_host_is_known_once_its_key_is_recorded(target: Target):
    assert unknown([target]) == [target]
    record(target.known_hosts, ["198.18.0.10 ssh-ed25519 AAAA", f"[127.0.0.1]:1 ssh-ed25519 {key_of(target)}"])
    assert unknown([target]) == []
    found = subprocess.run(
        ["ssh-keygen", "-F", "[127.0.0.1]:1", "-f", target.known_hosts], capture_output=True, check=False
    )
    assert found.returncode == 0, "ssh itself must find the line"


def key_of(target: Target) -> str:
    return target.public_key.split()[1]


def test_the_fingerprint_is_the_one_that_ssh_shows(target: Target):
    shown = subprocess.run(["ssh-keygen", "-lf", target.key], capture_output=True, text=True, check=True).stdout
    assert fingerprint(f"198.18.0.11 ssh-ed25519 {key_of(target)}") == shown.split()[1]


def test_a_host_that_is_down_is_named_with_its_address_and_stops_no_other(target: Target):
    down = Credential("debian", "s3cret")

    def visit(one: Target, credential: Credential | None) -> tuple[str, bool]:
        return ("line", True) if one.name == "vault1" else take_over(one, credential)

    other = Target("vault1", NOBODY, 22, "xinglin-ops", target.key, target.known_hosts)
    found = contact([target, other], {"his1": down}, visit)
    assert found == Contacts({"vault1": "line"}, {"vault1": True}, {}, found.problems)
    assert found.problems["his1"].startswith("his1 (127.0.0.1): no SSH connection")
    assert "Next:" in found.problems["his1"]
    assert "s3cret" not in found.problems["his1"]


def test_without_a_credential_the_next_step_is_to_give_one(target: Target):
    with pytest.raises(
        FirstContactError, match=r"first-contact\.yml \(0600\) as `his1: \{user: NAME, password: TEXT\}`"
    ):
        take_over(target, None)
    assert "Connection refused" in key_login_works(target, target.known_hosts)


def test_a_check_logs_in_with_the_credential_and_root_needs_no_sudo():
    assert credential_variables(Credential("root", "x")) == {
        "ansible_user": "root",
        "ansible_password": "x",
        "ansible_become": False,
    }
    assert credential_variables(Credential("debian", "x"))["ansible_become_password"] == "x"


def test_ssh_checks_the_host_key_and_offers_the_operator_s_key_only(target: Target):
    command = ssh_command(target, target.known_hosts)
    for option in ("StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "PasswordAuthentication=no", "ControlPath=none"):
        assert option in command
    assert command[-1] == "xinglin-ops@127.0.0.1"


def test_the_set_up_script_is_valid_shell_and_quotes_the_key(target: Target):
    script = setup_script(target)
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    assert "s3cret" not in script
    line = next(line for line in script.splitlines() if line.startswith("grep"))
    said = subprocess.run(
        ["sh", "-euc", line.replace("grep -qxF", "printf '%s'").split('"$keys"')[0]],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == target.public_key
