"""The role repository renders what keeper and watch read, for the appliance and the vault."""

import re
import subprocess
from pathlib import Path

import pytest

from backup.keeper import config
from backup.policy_file import parse_retention
from tests.playbooks.rendered import Rendered, render

SERVERS = ("appliance1", "vault1")
UNITS = ("xinglin-keeper.service", "xinglin-keeper.timer", "xinglin-watch.service", "xinglin-watch.timer")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return render(tmp_path_factory.mktemp("rendered"), ["repository"])


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
@pytest.mark.parametrize("name", ["xinglin-keeper.service", "xinglin-watch.service"])
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
