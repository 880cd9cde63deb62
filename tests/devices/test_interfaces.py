"""Ports of made-up devices: 64 and 32 bits, state, noise, wraps and restarts seen through the reader."""

import pytest

from agent.polling import PollError, Trouble
from tests.devices.made_up import IF, IFX, MadeUpDevice, port

WRAP = 2**32


def names(device: MadeUpDevice) -> list[str]:
    return [interface.name for interface in device.poll().interfaces]


def test_the_64_bit_counters_are_read_where_there_are_some():
    device = MadeUpDevice(port(octets=(10**13, 5)), {f"{IF}.10.1": 77, f"{IF}.16.1": 77})
    interface = device.only_port()
    assert (interface.receive_bytes, interface.transmit_bytes, interface.speed_bytes) == (10**13, 5, 125_000_000.0)
    assert f"{IF}.10" not in device.asked


def test_the_32_bit_counters_are_read_where_there_are_no_others_and_wraps_are_added():
    device = MadeUpDevice(port(octets=(WRAP - 100, 0), bits=32))
    first = device.only_port()
    device.values[f"{IF}.10.1"] = 400
    second = device.only_port()
    assert (first.receive_bytes, second.receive_bytes) == (0, 500)


def test_a_slow_port_may_lack_the_64_bit_counters_that_its_neighbours_have():
    device = MadeUpDevice(port(1, "fast", (10**13, 5)), port(2, "slow", (700, 0), bits=32))
    device.poll()
    device.between_full_polls()
    device.values |= {f"{IF}.10.2": 900, f"{IFX}.6.1": 10**13 + 1}
    fast, slow = device.poll().interfaces
    assert (fast.receive_bytes, slow.receive_bytes) == (10**13 + 1, 200)


def test_a_64_bit_value_that_is_missing_once_is_not_made_up_from_the_32_bit_one():
    device = MadeUpDevice(port(1, octets=(10**13, 5)), port(2, "slow", bits=32), {f"{IF}.10.1": 77, f"{IF}.16.1": 77})
    device.poll()
    device.between_full_polls()
    del device.values[f"{IFX}.6.1"]
    assert device.poll().interfaces[0].receive_bytes is None
    device.values[f"{IFX}.6.1"] = 10**13 + 9
    assert device.poll().interfaces[0].receive_bytes == 10**13 + 9


def test_a_restart_shows_as_a_reset_and_the_device_is_asked_who_it_is_again():
    device = MadeUpDevice(port(octets=(10**12, 10**12)))
    device.only_port()
    device.restart()
    device.values |= {f"{IFX}.6.1": 300, f"{IFX}.10.1": 10**12 + 1, "1.3.6.1.2.1.1.5.0": b"renamed"}
    reading = device.poll()
    assert (reading.interfaces[0].receive_bytes, reading.interfaces[0].transmit_bytes) == (300, 10**12 + 1)
    assert reading.name == "renamed"


def test_a_restart_whose_full_poll_fails_is_not_forgotten():
    device = MadeUpDevice(port(octets=(10**12, 0)))
    device.only_port()
    device.restart()
    device.values |= {f"{IFX}.6.1": 300}
    device.fail = lambda oid: PollError(Trouble.UNREACHABLE, "lost") if oid == f"{IF}.3" else None
    with pytest.raises(PollError):
        device.poll()
    device.fail = lambda _oid: None
    assert device.only_port().receive_bytes == 300


def test_counters_cleared_by_hand_count_on():
    device = MadeUpDevice(port(octets=(10**12, 0)))
    device.only_port()
    device.values |= {f"{IFX}.6.1": 300}
    assert device.only_port().receive_bytes == 10**12 + 300


def test_a_changed_discontinuity_time_begins_again():
    device = MadeUpDevice(port(octets=(10**12, 0)))
    device.only_port()
    device.values |= {f"{IFX}.6.1": 300, f"{IFX}.19.1": 4711}
    device.reader._until_full = 0
    assert device.only_port().receive_bytes == 300


def test_the_state_is_that_of_the_administrator_and_of_the_line():
    def state(admin: int = 1, oper: int = 1) -> tuple[bool | None, bool | None]:
        interface = MadeUpDevice(port(admin=admin, oper=oper)).only_port()
        return interface.enabled, interface.up

    assert state() == (True, True)
    assert state(oper=2) == (True, False)
    assert state(oper=7) == (True, False)
    assert state(admin=2, oper=2) == (False, False)
    assert state(oper=4) == (True, None)  # unknown(4) is not down


def test_noise_is_left_out_by_its_type():
    device = MadeUpDevice(
        port(1, "lo", kind=24),
        port(2, "NULL0", kind=1),
        port(3, "Vlan2", kind=135),
        port(4, "gre0", kind=131, admin=2, oper=2),
        port(5, "wg0", kind=131),
        port(6, "Console9/0/0", kind=33),
        port(7, "ge1"),
    )
    assert names(device) == ["wg0", "ge1"]


def test_two_ports_of_one_name_are_told_apart():
    assert names(MadeUpDevice(port(1, "ge"), port(2, "ge"))) == ["ge", "ge #2"]


def test_a_stack_of_switches_is_shown_whole_and_more_is_cut_with_a_note():
    reading = MadeUpDevice(*(port(row, f"ge{row}") for row in range(1, 413))).poll()
    assert len(reading.interfaces) == 400
    assert reading.notes == ("12 interfaces beyond 400 are left out",)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Vlan-interface10", 136),  # H3C
        ("Vlanif10", 53),  # Huawei
        ("Vl10", 53),  # Cisco
        ("DEFAULT_VLAN", 53),  # HP
        ("12", 53),  # Cisco's small switches
        ("vlan55 management", 6),  # ZTE
        ("Vlan-interface1", 6),  # TP-Link
        ("VLAN-IF82", 6),  # FS
        ("eth0.100", 6),  # Linux: a VLAN of eth0
        ("stack-port", 53),
        ("CPU Interface:  5/1", 1),
        ("Logical-int 1", 22),
        ("ssl.root", 131),
        ("gretap0", 6),
        ("veth0aabb96", 6),
        ("WAN Miniport (IP)", 6),
        ("Intel I350-QoS Packet Scheduler-0000", 6),
        ("Intel I350-Npcap Packet Driver (NPCAP)-0000", 6),
    ],
)
def test_what_no_cable_goes_into_is_left_out(name: str, kind: int):
    assert names(MadeUpDevice(port(1, "eth0"), port(2, name, kind=kind))) == ["eth0"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Gi1/0/10", 6),
        ("1/1", 117),
        ("7", 6),
        ("gei_1/2 uplink to vlan 7", 6),
        ("vlan uplink", 6),
        ("UPLINK-2024", 6),
        ("Eth-Trunk1", 161),
        ("Po1", 53),
        ("br-lan", 6),
        ("veth", 6),
        ("tunnel.5", 131),
        ("ethernet0.5", 6),
        ("Serial0/0", 22),
    ],
)
def test_ports_trunks_bridges_and_tunnels_are_shown(name: str, kind: int):
    assert names(MadeUpDevice(port(1, "tunnel"), port(2, name, kind=kind))) == ["tunnel", name]


def test_the_ports_of_missing_members_of_a_stack_are_left_out():
    assert names(MadeUpDevice(port(1, "gi1/0/1"), port(2, "gi2/0/1", oper=6))) == ["gi1/0/1"]


def test_a_module_that_somebody_pulls_out_stays_as_a_port_that_is_down():
    device = MadeUpDevice(port(1, "ge1"), port(2, "sfp1"))
    device.poll()
    device.values[f"{IF}.8.2"] = 6
    device.reader._until_full = 0
    assert [(interface.name, interface.up) for interface in device.poll().interfaces] == [
        ("ge1", True),
        ("sfp1", False),
    ]


@pytest.mark.parametrize(
    ("mega", "bits", "expected"),
    [
        (1000, 1_000_000_000, 125_000_000.0),
        (10_000, 2**32 - 1, 1_250_000_000.0),
        (0, 100_000_000, 12_500_000.0),
        (0, 2**32 - 1, None),
        (1_000_000_000, 1_000_000_000, 125_000_000.0),  # counts in bit/s
        (4_294_901_759, 0, None),  # -65537 as an unsigned number
        (4_294_967_295, 10_000_000, 1_250_000.0),
    ],
)
def test_a_speed_that_no_port_has_is_not_believed(mega: int, bits: int, expected: float | None):
    device = MadeUpDevice(port(), {f"{IFX}.15.1": mega, f"{IF}.5.1": bits})
    assert device.only_port().speed_bytes == expected


def test_a_switch_of_48_ports_is_asked_little():
    device = MadeUpDevice(*(port(row, f"ge{row}") for row in range(1, 49)))
    device.poll()
    assert len(device.asked) < 60  # a walk a column, and the scalars
    device.between_full_polls()
    device.poll()
    assert len(device.asked) <= 3 * 48 + 3  # state and bytes; sysObjectID and the clocks


def test_bytes_of_a_port_that_is_down_are_not_asked_between_full_polls():
    device = MadeUpDevice(port(1, "up"), port(2, "down", oper=2))
    device.poll()
    device.between_full_polls()
    device.poll()
    assert f"{IFX}.6.1" in device.asked
    assert f"{IFX}.6.2" not in device.asked
    assert f"{IF}.8.2" in device.asked


def test_the_alias_that_repeats_the_name_says_nothing():
    device = MadeUpDevice(port(), {f"{IFX}.18.1": b"ge1"})
    assert device.only_port().alias == ""
    device = MadeUpDevice(port(), {f"{IFX}.18.1": "上联口".encode("gb18030")})
    assert device.only_port().alias == "上联口"
