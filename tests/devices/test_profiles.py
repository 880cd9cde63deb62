"""The vendors' files: what a wrong one says, and how the right one is found."""

import pytest

from agent.devices.profile import ProfileError, candidates, chosen, parse, profiles
from agent.devices.reading import Memory
from agent.polling import Value
from tests.devices.made_up import MadeUpDevice, column

NET_SNMP = "1.3.6.1.4.1.8072.3.2.10"


def test_every_file_is_right():
    assert len(profiles()) >= 18
    assert all(profile.object_ids and profile.vendor for profile in profiles())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("vendor = ", "TOMLDecodeError"),
        ('vendor = "A"\nobject_ids = []', "root"),
        ('vendor = "A"\nroot = "1.3.6.1.4.1.1"\nobject_ids = []\ncolour = "red"', "colour"),
        ('vendor = "A"\nroot = "1.3.6.1.4.1.1"\nobject_ids = []\n[[sensors]]\nquantity = "mood"\nvalue = "1"', "mood"),
        ('vendor = "A"\nroot = "1.3.6.1.4.1.1"\nobject_ids = []\n[[sensors]]\nquantity = "power"', "value"),
        ('vendor = "A"\nroot = "1.3.6.1.4.1.1"\nobject_ids = []\npatterns = ["("]', "unterminated"),
    ],
)
def test_a_wrong_file_names_itself_and_what_is_wrong(text: str, says: str):
    with pytest.raises(ProfileError, match=r"profiles\.devices/wrong\.toml") as caught:
        parse("wrong.toml", text)
    assert says in str(caught.value)


def test_the_nearest_object_id_wins():
    assert [profile.file for profile in chosen("1.3.6.1.4.1.2011.2.235", {})] == ["huawei_ibmc.toml"]
    assert [profile.file for profile in chosen("1.3.6.1.4.1.2011.2.23.95", {})] == ["huawei.toml"]
    assert chosen("1.3.6.1.4.1.20112.1", {}) == ()


def test_linux_devices_are_told_apart_by_what_they_have():
    by_file = {profile.file: profile.present for profile in candidates(NET_SNMP)}
    assert chosen(NET_SNMP, {}) == ()
    for file, present in by_file.items():
        assert [profile.file for profile in chosen(NET_SNMP, {present: b"x"})] == [file]


def test_a_ruijie_switch():
    root = "1.3.6.1.4.1.4881.1.1.10.2"
    values: dict[str, Value] = {
        "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.4881.1.1.10.1.150",
        f"{root}.36.1.1.2.0": 12,
        **column(f"{root}.35.1.1.1.3", 40, 55),
    }
    reading = MadeUpDevice(values).poll()
    assert (reading.cpu_used_ratio, reading.memory) == (0.12, Memory(0.55))
