"""The modules that look at packages and units decide right; what they then do is apt's and systemd's."""

import shutil
from typing import Any

import pytest

from playbooks.library import debian_packages
from playbooks.library.current_units import Unit, parse, plan
from playbooks.library.debian_packages import missing_packages
from tests.playbooks.modules import run_module

WANTED: dict[str, Any] = {"enabled": True, "state": "started"}
RUNNING = Unit("chrony.service", True, True, "enabled", 1000.0, False)

# `systemctl show --timestamp=us+utc` of Debian 12, two units.
SHOWN = """\
ExecMainStartTimestamp=Mon 2026-11-23 02:07:53.320559 UTC
Id=chrony.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
ActiveEnterTimestamp=Mon 2026-11-23 02:07:53.320580 UTC
NeedDaemonReload=no

Id=apt-daily-upgrade.timer
LoadState=loaded
ActiveState=active
SubState=waiting
UnitFileState=enabled
ActiveEnterTimestamp=Mon 2026-11-23 01:54:04.005885 UTC
NeedDaemonReload=yes

Id=absent.service
LoadState=not-found
ActiveState=inactive
UnitFileState=
ActiveEnterTimestamp=
NeedDaemonReload=no
"""


def test_systemd_s_answer_is_read_with_times_to_the_microsecond():
    units = parse(SHOWN)
    assert units["chrony.service"] == Unit("chrony.service", True, True, "enabled", 1795399673.320559, False)
    assert units["apt-daily-upgrade.timer"].since == 1795398844.005885
    assert units["apt-daily-upgrade.timer"].needs_reload
    assert not units["absent.service"].loaded
    assert units["absent.service"].since == 0.0


@pytest.mark.parametrize(
    ("wanted", "unit", "newest", "verbs"),
    [
        (WANTED, RUNNING, 999.0, []),
        (WANTED, RUNNING, 1000.5, ["restart"]),
        (WANTED, Unit("x", True, False, "disabled", 0.0, False), 5.0, ["enable", "start"]),
        (WANTED, Unit("x", True, False, "static", 0.0, False), 5.0, ["start"]),
        ({"enabled": False, "state": "stopped"}, RUNNING, 2000.0, ["disable", "stop"]),
        ({"enabled": False, "state": "stopped"}, Unit("x", True, False, "disabled", 0.0, False), 0.0, []),
        ({"enabled": True, "state": "present"}, Unit("x", True, False, "disabled", 0.0, False), 9.0, []),
        ({"enabled": True, "state": "present"}, RUNNING, 2000.0, ["restart"]),
    ],
)
def test_a_unit_is_restarted_only_when_it_runs_with_older_files(
    wanted: dict[str, Any], unit: Unit, newest: float, verbs: list[str]
):
    assert plan(wanted, unit, newest) == verbs


def test_a_package_counts_only_when_dpkg_says_installed():
    answer = "chrony ii\nnftables rc\nopenssl un\nrestic hi\n"
    assert missing_packages(["restic", "nftables", "chrony", "openssl", "absent", "absent"], answer) == [
        "nftables",
        "openssl",
        "absent",
    ]


class Apt:
    """Stands in for the module: apt-get fails ``busy`` times because another holds the lock of the lists."""

    def __init__(
        self, busy: int, said: str = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7"
    ) -> None:
        self.busy, self.said, self.failed = busy, said, ""

    def run_command(self, _command: list[str], **_: object) -> tuple[int, str, str]:
        self.busy -= 1
        return (100, "", self.said) if self.busy >= 0 else (0, "", "")

    def fail_json(self, msg: str) -> None:
        self.failed = msg


def test_the_daily_update_that_holds_the_lists_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(debian_packages, "LOOK_AGAIN_SECONDS", 0)
    apt = Apt(busy=2)
    debian_packages.apt_get(apt, "update")
    assert (apt.busy, apt.failed) == (-1, "")
    broken = Apt(busy=2, said="E: The repository does not have a Release file.")
    debian_packages.apt_get(broken, "update")
    assert broken.busy == 1, "asked once"
    assert "Release file" in broken.failed
    monkeypatch.setattr(debian_packages, "LOCK_TIMEOUT_SECONDS", -1)
    late = Apt(busy=2)
    debian_packages.apt_get(late, "update")
    assert "held by process 7" in late.failed


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="needs a Debian machine")
def test_a_check_asks_the_real_dpkg_and_installs_nothing():
    result = run_module("debian_packages", {"name": ["dpkg", "no-such-package-anywhere"]}, check=True)
    assert (result["changed"], result["missing"]) == (True, ["no-such-package-anywhere"])
    assert run_module("debian_packages", {"name": ["dpkg"]}, check=False)["changed"] is False
