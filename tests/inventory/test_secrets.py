"""Secrets are made, encrypted, private, real; the vault's mistakes show none of them."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from inventory.create import make_secrets
from inventory.loader import FacilityError, load_facility
from inventory.vault import decrypt, encrypt, weakness

VAULT = "group_vars/all/vault.yml"
KEY = re.compile(r"[0-9a-f]{64}")


def password(directory: Path) -> bytes:
    return (directory / ".vault-password").read_bytes().strip()


def plain(directory: Path) -> str:
    return decrypt((directory / VAULT).read_bytes(), password(directory)).decode()


def rewrite(directory: Path, change: Callable[[str], str]) -> None:
    (directory / VAULT).write_bytes(encrypt(change(plain(directory)).encode(), password(directory)))


def test_every_facility_gets_its_own_random_secrets_in_private_files(clinic: Path, tmp_path: Path):
    other = tmp_path / "other"
    shutil.copytree(clinic, other)
    for name in (".vault-password", VAULT, "operator_ed25519", "operator_ed25519.pub"):
        (other / name).unlink()
    written = make_secrets(other)
    assert {file.relative_to(other).as_posix() for file in written} == {
        ".vault-password",
        VAULT,
        "operator_ed25519",
        "operator_ed25519.pub",
    }
    for name in (".vault-password", VAULT, "operator_ed25519"):
        assert (other / name).stat().st_mode & 0o777 == 0o600
        assert (other / name).read_bytes() != (clinic / name).read_bytes()
    secrets = [*yaml.safe_load(plain(other)).values(), password(other).decode()]
    assert len(secrets) == len(set(secrets)) == 5
    assert all(KEY.fullmatch(secret) for secret in secrets)
    assert load_facility(other).operator_key == other / "operator_ed25519"


def test_making_secrets_again_changes_nothing(clinic: Path):
    before = {file: file.read_bytes() for file in clinic.rglob("*") if file.is_file()}
    assert make_secrets(clinic) == ()
    assert {file: file.read_bytes() for file in clinic.rglob("*") if file.is_file()} == before


def test_a_vault_whose_password_is_gone_is_never_replaced(clinic: Path):
    (clinic / ".vault-password").unlink()
    before = (clinic / VAULT).read_bytes()
    with pytest.raises(FacilityError, match="only it opens the vault"):
        make_secrets(clinic)
    assert (clinic / VAULT).read_bytes() == before
    assert not (clinic / ".vault-password").exists()


def test_half_a_key_pair_is_never_replaced(clinic: Path):
    (clinic / "operator_ed25519").unlink()
    with pytest.raises(FacilityError, match="its public half is there"):
        make_secrets(clinic)


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen (openssh-client) is not installed")
def test_openssh_reads_the_operators_key(clinic: Path):
    derived = subprocess.run(
        ["ssh-keygen", "-y", "-P", "", "-f", clinic / "operator_ed25519"], check=True, capture_output=True, text=True
    ).stdout
    assert derived.split()[:2] == (clinic / "operator_ed25519.pub").read_text(encoding="ascii").split()[:2]
    assert derived.startswith("ssh-ed25519 ")


BREAKS: dict[str, tuple[Callable[[Path], object], str, int, str, str]] = {
    "a missing variable": (
        lambda d: rewrite(d, lambda text: text.replace("vault_backup_http_secret", "vault_other")),
        VAULT,
        3,
        "vault_backup_http_secret",
        "is missing; the hosts' passwords",
    ),
    "an example secret": (
        lambda d: rewrite(d, lambda text: re.sub(r"(vault_backup_http_secret): .*", r"\1: changeme" + "x" * 40, text)),
        VAULT,
        5,
        "vault_backup_http_secret",
        "is an example or a placeholder",
    ),
    "a short secret": (
        lambda d: rewrite(d, lambda text: re.sub(r"(vault_backup_http_secret): .*", r"\1: kq9zzT", text)),
        VAULT,
        5,
        "vault_backup_http_secret",
        "has 6 characters",
    ),
    "a secret of one character": (
        lambda d: rewrite(d, lambda text: re.sub(r"(vault_backup_http_secret): .*", r"\1: " + "qk" * 20, text)),
        VAULT,
        5,
        "vault_backup_http_secret",
        "repeats a few characters",
    ),
    "a number": (
        lambda d: rewrite(d, lambda text: re.sub(r"(vault_backup_http_secret): .*", r"\1: 9876543210", text)),
        VAULT,
        5,
        "vault_backup_http_secret",
        "is not text",
    ),
    "a foreign name": (
        lambda d: rewrite(d, lambda text: text + "snmp_community: kq9zzT4w\n"),
        VAULT,
        10,
        "snmp_community",
        "does not begin with vault_",
    ),
    "a key twice": (
        lambda d: rewrite(d, lambda text: text + "vault_his_database_password: kq9zzT4w\n"),
        VAULT,
        10,
        "vault_his_database_password",
        "the key is already on line 7",
    ),
    "one secret twice": (
        lambda d: rewrite(d, lambda text: text + f"vault_more: {yaml.safe_load(text)['vault_repository_password']}\n"),
        VAULT,
        10,
        "vault_more",
        "is the same secret as vault_repository_password",
    ),
    "broken YAML inside": (lambda d: rewrite(d, lambda text: text + "kq9zzT4w\n"), VAULT, 11, "", "is not YAML"),
    "not encrypted": (lambda d: (d / VAULT).write_text(plain(d)), VAULT, 1, "", "is not encrypted"),
    "damaged": (
        lambda d: (d / VAULT).write_bytes((d / VAULT).read_bytes()[:-200]),
        VAULT,
        1,
        "",
        "wrong password, or the file is damaged",
    ),
    "a wrong password": (
        lambda d: (d / ".vault-password").write_text("0123456789abcdef" * 4),
        VAULT,
        1,
        "",
        "wrong password, or the file is damaged",
    ),
    "no vault": (lambda d: (d / VAULT).unlink(), VAULT, 1, "", "is missing"),
    "no vault password": (lambda d: (d / ".vault-password").unlink(), ".vault-password", 1, "", "is missing"),
    "a readable vault password": (
        lambda d: (d / ".vault-password").chmod(0o644),
        ".vault-password",
        1,
        "",
        "others may read it (mode 0644)",
    ),
    "no operator key": (lambda d: (d / "operator_ed25519").unlink(), "operator_ed25519", 1, "", "is missing"),
    "a public operator key": (
        lambda d: shutil.copy(d / "operator_ed25519.pub", d / "operator_ed25519"),
        "operator_ed25519",
        1,
        "",
        "is not a private SSH key",
    ),
    "a readable operator key": (
        lambda d: (d / "operator_ed25519").chmod(0o640),
        "operator_ed25519",
        1,
        "",
        "others may read it (mode 0640)",
    ),
}


@pytest.mark.parametrize("title", BREAKS)
def test_a_mistake_of_the_secrets_is_answered_without_showing_them(title: str, clinic: Path):
    secrets = [*yaml.safe_load(plain(clinic)).values(), password(clinic).decode()]
    damage, file, line, key, problem = BREAKS[title]
    damage(clinic)
    with pytest.raises(FacilityError) as caught:
        load_facility(clinic)
    (mistake,) = caught.value.mistakes
    assert (mistake.file, mistake.line, mistake.key) == (clinic / file, line, key)
    assert problem in mistake.problem
    for secret in (*secrets, "kq9zzT", "9876543210", "changeme"):
        assert secret not in str(mistake)


@pytest.mark.parametrize(
    "secret", ["", " ", "public", "Change_Me_Please", "password123456", "<your secret>", "示例密码"]
)
def test_a_placeholder_is_refused_anywhere(secret: str):
    assert weakness(secret) == "is an example or a placeholder, not a secret"
