"""The role repository renders what keeper and watch read, for the appliance and the vault."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from backup.config.policy_file import parse_retention
from backup.keeper import config
from backup.keeper.copy_config import Disks, Sftp
from playbooks.filter_plugins.copies import (
    copy_addresses,
    copy_disks,
    copy_known_hosts,
    copy_secrets,
    keeper_copies,
)
from tests.playbooks.rendered import Rendered, render

SERVERS = ("appliance1", "vault1")
UNITS = (
    "xinglin-keeper.service",
    "xinglin-keeper.timer",
    "xinglin-watch.service",
    "xinglin-watch.timer",
    "xinglin-copies.service",
)

RETENTION = {"keep_within": "30d"}
COPIES: list[dict[str, Any]] = [
    {"name": "usb", "disk": {"labels": ["xinglin-a", "B_2"]}, "retention": RETENTION},
    {
        "name": "partner",
        "sftp": {"host": "198.18.9.9", "user": "q", "path": "/srv/q", "host_key": "ssh-ed25519 AAAA"},
        "retention": RETENTION,
    },
]
CLOUD = {
    "name": "cloud",
    "s3": {"url": "https://s3.example.com", "bucket": "q", "key_id": "ID", "secret": "vault_s3"},
    "retention": RETENTION,
}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return render(tmp_path_factory.mktemp("rendered"), ["repository"], copies=COPIES)


@pytest.mark.parametrize(("server", "kind"), [("appliance1", "local"), ("vault1", "offsite")])
def test_the_keeper_reads_its_configuration(texts: Rendered, server: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "keeper.json"
    path.write_text(texts[server]["repository/keeper.json"], encoding="utf-8")
    found = config.load(path)
    assert (found.server, found.kind) == (server, kind)
    assert {"his1", "appliance1"} <= {kept.host for kept in found.hosts}
    his = found.host("his1")
    assert his.policies
    assert all(retention.within for retention in his.policies.values())
    assert (his.other is None) == (kind == "offsite")
    if his.other:
        assert his.other.url.endswith(":8000/his1/")
        unit = texts[server]["repository/xinglin-keeper.service"]
        assert f"LoadCredential={his.other.password_file.name}:{his.other.password_file}" in unit
    assert parse_retention({"keep_within": "30d", "keep_within_monthly": "2y"}).longest.days == 730


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_every_line_of_a_unit(texts: Rendered, server: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(texts[server][f"repository/{name}"].replace("/opt/xinglin/venv/bin/xinglin", "/bin/true"))
    if path.suffix == ".timer":
        path.with_suffix(".service").write_text("[Service]\nExecStart=/bin/true\n")
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
    own = [line for line in done.stderr.splitlines() if path.stem in line]
    assert (done.returncode, own) == (0, [])


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("name", ["xinglin-keeper.service", "xinglin-watch.service", "xinglin-copies.service"])
def test_a_unit_is_locked_down(texts: Rendered, server: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(texts[server][f"repository/{name}"])
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=15", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_no_password_is_in_a_unit_or_in_the_configuration(texts: Rendered) -> None:
    for server in SERVERS:
        for name in ("keeper.json", *UNITS):
            assert not re.search("repository of the test|http of the test", texts[server][f"repository/{name}"])


def test_the_appliance_alone_makes_the_further_copies(texts: Rendered, tmp_path: Path) -> None:
    for server in SERVERS:
        path = tmp_path / f"{server}.json"
        path.write_text(texts[server]["repository/keeper.json"], encoding="utf-8")
    usb, partner = config.load(tmp_path / "appliance1.json").copies
    assert isinstance(usb.where, Disks)
    assert isinstance(partner.where, Sftp)
    assert usb.where.places["xinglin-a"] == Path("/var/lib/xinglin/copies/xinglin-a")
    assert (partner.where.port, partner.retention.within.days) == (22, 30)
    assert config.load(tmp_path / "vault1.json").copies == ()
    assert "OnSuccess=xinglin-copies.service" in texts["appliance1"]["repository/xinglin-keeper.service"]
    assert "xinglin-copies" not in texts["vault1"]["repository/xinglin-keeper.service"]
    unit = texts["appliance1"]["repository/xinglin-copies.service"]
    assert f"LoadCredential={partner.where.key_file.name}:{partner.where.key_file}" in unit
    assert "IPAddressDeny=any\nIPAddressAllow=198.18.9.9\n" in unit


def test_units_and_known_hosts_have_the_names_that_systemd_and_ssh_look_for(tmp_path: Path) -> None:
    for disk in copy_disks(COPIES):
        for kind, name in (("mount", disk["place"]), ("device", f"/dev/disk/by-label/{disk['label']}")):
            command = ["systemd-escape", "--path", f"--suffix={kind}", name]
            escaped = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
            assert escaped in {disk["mount"], Path(disk["device_file"]).parent.name.removesuffix(".d")}
    if not shutil.which("ssh-keygen"):
        pytest.skip("no ssh-keygen")
    known = tmp_path / "known"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    key = " ".join((tmp_path / "key.pub").read_text().split()[:2])
    for port, name in ((22, "h.example"), (2222, "[h.example]:2222")):
        known.write_text(copy_known_hosts([{"sftp": {"host": "h.example", "port": port, "host_key": key}}]))
        subprocess.run(["ssh-keygen", "-F", name, "-f", known], check=True, capture_output=True)


def test_a_bucket_has_its_secret_in_a_file_and_opens_the_way_out() -> None:
    (secret,) = copy_secrets([*COPIES, CLOUD])
    assert secret == {"path": "/etc/xinglin/secrets/copies.cloud.secret", "secret": "vault_s3"}
    assert keeper_copies([CLOUD])[0]["s3"]["secret_file"] == secret["path"]
    assert copy_addresses([*COPIES, CLOUD]) == copy_addresses([{"sftp": {"host": "h.example"}}]) == ["any"]
    assert copy_addresses(COPIES[:1]) == []
