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


SYSTEM = "1.3.6.1.2.1.1"


@pytest.mark.parametrize(
    ("object_id", "description", "expected"),
    [
        (
            "2011.2.23.294",
            "S5720-32X\nHuawei VRP (S5720 V200R010C00SPC600)",
            ("Huawei", "S5720-32X", "V200R010C00SPC600"),
        ),
        (
            "2011.2.23.1097",
            '"Huawei YunShan OS\n1.22 (S5700 V600R022C01SPC500) \r\nCo., Ltd. \r\nHUAWEI CloudEngine S5735-L-V2"',
            ("Huawei", "CloudEngine S5735-L-V2", "V600R022C01SPC500"),
        ),
        (
            "2011.2.1",
            "Huawei VRP software, Version 8.200 (NetEngine 8000 V800R012C10) Huawei Co., Ltd. HUAWEI NetEngine 8000 M8",
            ("Huawei", "NetEngine 8000 M8", "V800R012C10"),
        ),
        (
            "25506.11.1.9",
            "HP V1910-48G Switch Software Version 5.20 Release 1111P01",
            ("H3C", "HP V1910-48G Switch", "5.20 Release 1111P01"),
        ),
        ("3902.3.1", "ZXR10_5928 Software, Version ZXR10 5900 V2.8.23.A Copyright", ("ZTE", "5928", "V2.8.23.A")),
        (
            "3902.3.1",
            "ZTE 5950-36TM Software, 5900 Version: V3.03.10.B30, RELEASE",
            ("ZTE", "5950-36TM", "V3.03.10.B30"),
        ),
        ("3902.3.1", "ZTE Ethernet Switch ZXR10 5250-52TM-H, Version: V2.05.11", ("ZTE", "5250-52TM-H", "V2.05.11")),
        ("5651.1.1", "MyPower (R) System\nMyPower S3220 version 6.6.4(R)(i), compiled", ("Maipu", "S3220", "6.6.4(R)")),
        (
            "6339.1.1",
            "S4600-52P-SI Device, Compiled\n SoftWare Version 7.0.3.5(R0241.0101)\n",
            ("DCN", "S4600-52P-SI", "7.0.3.5(R0241.0101)"),
        ),
        ("3807.1.1", "S5800 FHN USP (R) Software, Version V210R240,Hw Version 2.0", ("FiberHome", "S5800", "V210R240")),
        ("28557.1.126", "Hillstone Security Appliance SG-6000-E3965", ("Hillstone", "SG-6000-E3965", "")),
        ("9.6.1.1004.1", "CBS350-24P-4G 24-Port Gigabit PoE Managed Switch", ("Cisco", "CBS350-24P-4G", "")),
        ("9.1.3240", "Catalyst 1300 Series Managed Switch, 4x10G SFP+ (C1300-24P-4X)", ("Cisco", "C1300-24P-4X", "")),
        (
            "9.1.1208",
            "Cisco IOS Software, C2960X Software (C2960X-K9-M), Version 15.0(2a)EX5, R",
            ("Cisco", "C2960X", "15.0(2a)EX5"),
        ),
        ("171.10.133", "D-Link DES-3200-18 Fast Ethernet Switch", ("D-Link", "DES-3200-18", "")),
        (
            "4526.100.4.32",
            "GS724Tv4 ProSafe 24-port Smart Switch, 6.3.1.11, B1.0.0.4",
            ("Netgear", "GS724Tv4", "6.3.1.11"),
        ),
        (
            "11.2.3.7.11.139",
            "HP J9775A 2530-48G Switch, revision YA.16.11.0014, ROM YA.15.20",
            ("HPE", "J9775A 2530-48G", "YA.16.11.0014"),
        ),
        (
            "11.2.3.7.11.1",
            "HP 1820-8G Switch J9979A, PT.01.14, Linux 3.6.5",
            ("HPE", "1820-8G Switch J9979A", "PT.01.14"),
        ),
        ("14823.1.2.71", "ArubaOS (MODEL: 105), Version 6.4.4.8-4.2", ("Aruba", "105", "6.4.4.8-4.2")),
        (
            "47196.4.1",
            "HPE ANW JL658A 6300M 24SFP+ Swch FL.10.15.0005",
            ("Aruba", "JL658A 6300M 24SFP+ Swch", "FL.10.15.0005"),
        ),
        ("41112", "UK-Ultra 6.6.77.15402", ("Ubiquiti", "UK-Ultra", "6.6.77.15402")),
        ("41112.1", "US-8, 5.76.7.13442, Linux 3.6.5", ("Ubiquiti", "US-8", "5.76.7.13442")),
        ("41112.1.5", "EdgeOS v1.8.0.4853089", ("Ubiquiti", "EdgeOS", "1.8.0.4853089")),
        (
            "6876.4.1",
            "VMware ESXi 7.0.0 build-15843807 VMware, Inc.",
            ("VMware", "VMware ESXi", "7.0.0 build-15843807"),
        ),
        (
            "311.1.1.3.1.2",
            "Hardware: Intel64 Family 6 - Software: Windows Version 6.3 (Build 17763 Multiprocessor Free)",
            ("Microsoft", "Windows", "Windows Version 6.3 (Build 17763 Multiprocessor Free)"),
        ),
        (
            "232.9.4.11",
            "Integrated Lights-Out 5 2.71 Jul 04 2022",
            ("HPE", "Integrated Lights-Out 5 2.71 Jul 04 2022", "Integrated Lights-Out 5 2.71"),
        ),
    ],
)
def test_model_and_software_stand_in_the_description(object_id: str, description: str, expected: tuple[str, str, str]):
    values: dict[str, Value] = {f"{SYSTEM}.1.0": description.encode(), f"{SYSTEM}.2.0": f"1.3.6.1.4.1.{object_id}"}
    reading = MadeUpDevice(values).poll()
    assert (reading.vendor, reading.model, reading.software) == expected


@pytest.mark.parametrize(
    ("object_id", "cells", "cpu", "memory"),
    [
        ("9.6.1.94.24.5", {"9.6.1.101.1.8.0": 53}, 0.53, None),
        ("9.6.1.94.24.5", {"9.6.1.101.1.8.0": 101}, None, None),  # not measured
        ("9.1.1208", {"9.9.109.1.1.1.1.7.1": 6}, 0.06, None),
        ("171.10.133", {"171.12.1.1.6.2.0": 61, "171.12.1.1.9.1.4.1": 65}, 0.61, Memory(0.65)),
        ("4413", {"4413.1.1.1.1.4.1.0": 25, "4413.1.1.1.1.4.2.0": 100}, None, Memory(0.75, 75 * 1024, 100 * 1024)),
        ("3902.3.1", {"3902.3.3.1.1.11.1": 7, "3902.3.3.1.1.4.1": 40}, 0.07, Memory(0.4)),
        ("5651.1.1", {"5651.3.20.1.1.1.5.0": 3, "5651.3.20.1.1.1.8.0": 4}, None, Memory(0.75, 3, 4)),
        (
            "6339.1.1",
            {"6339.100.1.11.10.0": 5, "6339.100.1.11.7.0": 8, "6339.100.1.11.6.0": 10},
            0.05,
            Memory(0.8, 8, 10),
        ),
        (
            "28557.1",
            {"28557.2.2.1.3.0": 55, "28557.2.2.1.5.0": 1, "28557.2.2.1.4.0": 4},
            0.55,
            Memory(0.25, 1024, 4096),
        ),
        ("4881.1.1.10.1.150", {"4881.1.1.10.2.36.1.2.1.4.1": 3, "4881.1.1.10.2.36.1.2.1.4.2": 9}, 0.09, None),
        ("50001", {"50001.1.221.0": 5, "50001.1.220.0": 169}, None, Memory(0.05, None, 169 * 2**20)),
        ("2011.2.1", {"2011.5.25.31.1.1.1.1.7.9": 54, "2011.5.25.31.1.1.1.1.9.9": 2**32 - 1}, None, Memory(0.54)),
    ],
)
def test_processor_and_memory(object_id: str, cells: dict[str, int], cpu: float | None, memory: Memory | None):
    values: dict[str, Value] = {f"1.3.6.1.4.1.{oid}": value for oid, value in cells.items()}
    reading = MadeUpDevice({f"{SYSTEM}.2.0": f"1.3.6.1.4.1.{object_id}", **values}).poll()
    assert (reading.cpu_used_ratio, reading.memory) == (cpu, memory)


def test_a_scalar_that_a_device_lacks_is_asked_at_full_polls_only():
    device = MadeUpDevice({f"{SYSTEM}.2.0": "1.3.6.1.4.1.9.1.1208"})
    device.poll()
    assert "1.3.6.1.4.1.9.6.1.101.1.8.0" in device.asked
    device.between_full_polls()
    device.poll()
    assert "1.3.6.1.4.1.9.6.1.101.1.8.0" not in device.asked


def test_a_storage_that_has_net_snmps_object_id_is_known_by_its_model():
    synology, qnap = "1.3.6.1.4.1.6574.1.5.1.0", "1.3.6.1.4.1.24681.1.2.12.0"
    for oid, vendor in ((synology, "Synology"), (qnap, "QNAP")):
        reading = MadeUpDevice({f"{SYSTEM}.2.0": NET_SNMP, oid: b"DS-1"}).poll()
        assert (reading.vendor, reading.model) == (vendor, "DS-1")
