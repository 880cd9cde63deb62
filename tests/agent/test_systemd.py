"""systemd's units: recorded answers of Debian 12's systemd, and a running one where there is one."""

from pathlib import Path

import pytest

from agent.collectors.systemd import STATES, SystemdCollector, Unit, families, parse_list, parse_show
from tests.agent.samples import key, samples

SHOW = """NRestarts=2
LoadState=loaded
ActiveState=active

LoadState=loaded
ActiveState=failed

LoadState=not-found
ActiveState=inactive
"""
LIST = """[{"unit":"ssh.service","load":"loaded","active":"active","sub":"running","description":"Secure Shell"},
{"unit":"cups.service","load":"loaded","active":"failed","sub":"failed","description":"CUPS"},
{"unit":"home.mount","load":"not-found","active":"inactive","sub":"dead","description":"home.mount"}]"""
NAMES = ("ssh.service", "xinglin-facts.timer", "nothing.service")


def state(name: str, value: str):
    return key("node_systemd_unit_state", name=name, state=value)


def test_named_and_failed_units_are_state_sets():
    named = parse_show(NAMES, SHOW)
    assert named[0] == Unit("ssh.service", loaded=True, state="active", restarts=2)
    found = samples(families(named, parse_list(LIST)))
    assert [found[state("ssh.service", each)] for each in STATES] == [0, 1, 0, 0, 0]
    assert [found[state("xinglin-facts.timer", each)] for each in STATES] == [0, 0, 0, 1, 0]
    assert [found[state("nothing.service", each)] for each in STATES] == [0, 0, 0, 0, 0]
    assert found[state("cups.service", "failed")] == 1
    assert found[key("node_systemd_service_restart_total", name="ssh.service")] == 2
    assert found[key("node_systemd_units", state="failed")] == 1
    assert found[key("node_systemd_units", state="inactive")] == 0


def test_an_answer_with_a_unit_missing_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        parse_show((*NAMES, "one-more.service"), SHOW)


@pytest.mark.skipif(not Path("/run/systemd/system").is_dir(), reason="this machine was not booted with systemd")
def test_a_running_systemd_is_asked():
    found = samples(SystemdCollector(("dbus.service", "nothing-of-the-kind.service")).collect())
    assert found[state("dbus.service", "active")] == 1
    assert all(found[state("nothing-of-the-kind.service", each)] == 0 for each in STATES)
    assert found[key("node_systemd_units", state="active")] > 1
