"""The derived HTTP passwords are what every side computes."""

import subprocess
from pathlib import Path

import pytest

from playbooks.filter_plugins.repository import htpasswd_sha, repository_http_password


def test_the_password_is_the_digest_that_the_contract_names(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("s3cret:vault1:his1")
    digest = subprocess.run(["sha256sum", tmp_path / "text"], capture_output=True, text=True, check=True).stdout[:64]
    assert repository_http_password("s3cret", "vault1", "his1") == digest


def test_two_hosts_and_two_repositories_never_share_a_password() -> None:
    pairs = [(repository, host) for repository in ("appliance1", "vault1") for host in ("his1", "appliance1")]
    assert len({repository_http_password("s", *pair) for pair in pairs}) == len(pairs)


def test_an_empty_secret_is_refused_with_the_next_step() -> None:
    with pytest.raises(ValueError, match="xinglin init"):
        repository_http_password("", "vault1", "his1")


def test_openssl_agrees_with_the_htpasswd_line() -> None:
    digest = subprocess.run(["openssl", "dgst", "-sha1", "-binary"], input=b"secret", capture_output=True, check=True)
    encoded = subprocess.run(["openssl", "base64"], input=digest.stdout, capture_output=True, check=True)
    assert htpasswd_sha("secret") == "{SHA}" + encoded.stdout.decode().strip()
