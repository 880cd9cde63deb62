"""The role browse renders a socket that only the console's user may open, and a service that can only read."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.playbooks.rendered import SECRETS, render

UNITS = ("xinglin-browse.socket", "xinglin-browse@.service")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return render(tmp_path_factory.mktemp("rendered"), ["browse"])["appliance1"]


def test_systemd_understands_every_line(texts: dict[str, str], tmp_path: Path) -> None:
    for name in UNITS:
        text = texts[f"browse/{name}"].replace("=/opt/xinglin/venv/bin/python", "=/bin/true")
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / UNITS[0]], capture_output=True, text=True, check=False
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "browse" in line]) == (0, [])


def test_the_service_is_as_locked_down_as_promised(texts: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "xinglin-browse@one.service"
    path.write_text(texts[f"browse/{UNITS[1]}"], encoding="utf-8")
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=10"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_only_the_consoles_user_may_ask_and_the_password_is_a_credential(texts: dict[str, str]) -> None:
    socket, service = (texts[f"browse/{name}"] for name in UNITS)
    assert re.findall(r"^Socket(\w+)=(.*)$", socket, re.MULTILINE) == [
        ("User", "xinglin-console"),
        ("Group", "xinglin-console"),
        ("Mode", "0600"),
    ]
    assert "ReadWritePaths" not in service
    assert "LoadCredential=repository.password:" in service
    assert not [secret for secret in SECRETS.values() if secret in socket + service]
