"""No password hash and no key ever leaves the host."""

from pathlib import Path

import pytest

from agent.facts.probes import PROBES, Probe
from agent.facts.redact import MASK, redact
from agent.facts.run import run_probe

BY_NAME = {probe.name: probe for probe in PROBES}
# A made-up yescrypt string of the right shape; no password has this hash.
HASH = "$y$j9T$" + "aB3dE5fG7hJ9kL1m" + "$" + "zY8xW6vU4tS2rQ0pO8nM6lK4jI2hG0fE8dC6bA4z9Y1"
SHADOW = f"""root:*:20000:0:99999:7:::
zhangwei:{HASH}:20001:2:90:7:::
liming:!{HASH}:20001:0:99999:7:::
guest::20001:0:99999:7:::
soon:{HASH}:0:0:90:7:30:20800:
"""


def on(name: str, path: Path) -> Probe:
    """Return probe ``name`` pointed at another file."""
    return Probe(name, (*BY_NAME[name].argv[:-1], str(path)))


def test_shadow_is_reduced_to_name_state_and_ages(tmp_path: Path):
    shadow = tmp_path / "shadow"
    shadow.write_text(SHADOW, encoding="ascii")
    assert run_probe(on("shadow", shadow), 10).stdout.splitlines() == [
        "root:locked:20000:0:99999:7::",
        "zhangwei:set:20001:2:90:7::",
        "liming:locked:20001:0:99999:7::",
        "guest:empty:20001:0:99999:7::",
        "soon:set:0:0:90:7:30:20800",
    ]


def test_a_hash_or_a_persons_data_in_passwd_stays_there(tmp_path: Path):
    passwd = tmp_path / "passwd"
    passwd.write_text(f"old:{HASH}:1000:1000:张伟,13800000000:/home/old:/bin/bash\n", encoding="utf-8")
    assert run_probe(on("accounts", passwd), 10).stdout == "old:set:1000:1000::/home/old:/bin/bash\n"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (f"zhangwei:{HASH}:20001", f"zhangwei:{MASK}:20001"),
        ("x $6$saltsalt$" + "A" * 86 + " y", f"x {MASK} y"),
        ("x $6$rounds=5000$saltsalt$" + "A" * 86, f"x {MASK}"),
        ("x $2b$12$" + "A" * 53, f"x {MASK}"),
        ("a\n-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\nb", f"a\n{MASK}\nb"),
        ("-----BEGIN PRIVATE KEY-----\ncut off he", MASK),
        ("http://user:hunter2@mirror.example/debian", f"http://{MASK}@mirror.example/debian"),
        ("ldap_password = hunter2", f"ldap_password = {MASK}"),
        ('API_TOKEN="a b c" next', f"API_TOKEN={MASK} next"),
    ],
)
def test_what_looks_like_a_secret_is_masked(raw: str, clean: str):
    assert redact(raw) == clean


@pytest.mark.parametrize(
    "plain",
    [
        "/etc/sudoers:%sudo ALL=(ALL:ALL) NOPASSWD: ALL",
        "/etc/pam.d/common-password:password\t[success=1 default=ignore]\tpam_unix.so obscure use_authtok yescrypt",
        "permitemptypasswords no\npasswordauthentication yes\n",
        "/etc/login.defs:PASS_MAX_DAYS\t90",
        "SystemMaxUse=4G",
    ],
)
def test_what_an_assessor_needs_is_left_alone(plain: str):
    assert redact(plain) == plain
