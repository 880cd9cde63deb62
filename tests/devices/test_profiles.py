"""The vendors' files: what a wrong one says, and how the right one is found."""

import pytest

from agent.devices.profile import ProfileError, candidates, chosen, parse, profiles
from agent.devices.reading import Contact, Memory, Place, Quantity, Sensor
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


def test_an_akcp_probe():
    """Made up by SPAGENT-MIB: °F and °C, a probe that is offline, water on the floor."""
    entry = "1.3.6.1.4.1.3854.1.2.2.1"
    values: dict[str, Value] = {
        "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.3854.1",
        **column(f"{entry}.16.1.1", b"Rack", b"Door", b"Nothing"),
        **column(f"{entry}.16.1.3", 24, 77, 0),
        **column(f"{entry}.16.1.5", 1, 1, 2),
        **column(f"{entry}.16.1.12", 1, 0, 1),
        **column(f"{entry}.17.1.1", b"Rack"),
        **column(f"{entry}.17.1.3", 45),
        **column(f"{entry}.17.1.5", 1),
        **column(f"{entry}.18.1.1", b"Water", b"Smoke"),
        **column(f"{entry}.18.1.3", 4, 2),
        **column(f"{entry}.18.1.4", 1, 1),
    }
    reading = MadeUpDevice(values).poll()
    assert reading.sensors == (
        Sensor("Rack", Quantity.TEMPERATURE, 24.0, Place.ROOM),
        Sensor("Door", Quantity.TEMPERATURE, 25.0, Place.ROOM),
        Sensor("Rack", Quantity.HUMIDITY, 0.45, Place.ROOM),
    )
    assert reading.contacts == (Contact("Water", open=True), Contact("Smoke", open=False))


def test_a_netbotz():
    """Made up by NETBOTZV2-MIB: tenths of degrees and percents; -1 is no value."""
    root = "1.3.6.1.4.1.5528.100.4"
    values: dict[str, Value] = {
        "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.5528.100.20.10",
        **column(f"{root}.1.1.1.2", 235, -1),
        **column(f"{root}.1.1.1.4", b"Rack", b"Unplugged"),
        **column(f"{root}.1.2.1.2", 412),
        **column(f"{root}.1.2.1.4", b"Rack"),
        **column(f"{root}.2.2.1.2", 0, 1, -1),
        **column(f"{root}.2.2.1.4", b"Front", b"Back", b"None"),
        **column(f"{root}.2.10.1.3", 3),
        **column(f"{root}.2.10.1.4", b"Floor"),
    }
    reading = MadeUpDevice(values).poll()
    assert reading.sensors == (
        Sensor("Rack", Quantity.TEMPERATURE, 23.5, Place.ROOM),
        Sensor("Rack", Quantity.HUMIDITY, 0.412, Place.ROOM),
    )
    assert reading.contacts == (Contact("Front", open=True), Contact("Back", open=False), Contact("Floor", open=True))


def test_a_ruijie_switch():
    root = "1.3.6.1.4.1.4881.1.1.10.2"
    values: dict[str, Value] = {
        "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.4881.1.1.10.1.150",
        f"{root}.36.1.1.2.0": 12,
        **column(f"{root}.35.1.1.1.3", 40, 55),
    }
    reading = MadeUpDevice(values).poll()
    assert (reading.cpu_used_ratio, reading.memory) == (0.12, Memory(0.55))
