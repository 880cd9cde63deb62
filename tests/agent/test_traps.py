"""Notifications by net-snmp's real snmptrap and snmpinform; only configured devices with their own secrets count."""

import asyncio
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyasn1.codec.ber import encoder
from pysnmp.proto.api import v2c

from agent.errors import AgentError
from agent.events import Event, Journal
from agent.polled import SnmpConfig, SnmpDevice, TrapListener
from agent.polling import Snmp
from agent.snmp.credentials import Community, Credentials, User
from agent.snmp.device import Device
from agent.snmp.engine import Engine
from agent.snmp.poller import Poller
from agent.snmp.repeats import BUDGET, REPEAT_SECONDS, Budget, News
from agent.snmp.source import SnmpSource
from agent.snmp.trap_codes import event_code
from agent.snmp.traps import TrapReceiver, bind
from tests.agent.ports import free_port
from tests.agent.snmpd import V2C, V3, Snmpd, need, running_snmpd

UPS_ON_BATTERY = "1.3.6.1.2.1.33.2.1"
LINK_DOWN, LINK_UP = "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.6.3.1.1.5.4"
SNMP_ENGINE_ID = "1.3.6.1.6.3.10.2.1.1.0"
IF_NAME = "1.3.6.1.2.1.31.1.1.1.1.3"
ENGINE_ID = "0x80001f88040123456789"
UPS, SWITCH, ROUTER = "127.0.0.11", "127.0.0.12", "127.0.0.13"


class CountingReader:
    """Stands in for a reader: answers at once and counts how often it was asked."""

    def __init__(self) -> None:
        self.polls = 0

    async def poll(self, _snmp: Snmp) -> object:
        self.polls += 1
        return None


class Receiver:
    """A poller with its trap receiver, on a port of 127.0.0.1."""

    def __init__(self, port: int, journal: Journal, source: SnmpSource, readers: dict[str, CountingReader]) -> None:
        self.port = port
        self.journal = journal
        self.source = source
        self.readers = readers
        self.hurried: list[str] = []
        poll_now = source._hurry

        def hurry(name: str) -> None:
            self.hurried.append(name)
            poll_now(name)

        source._hurry = hurry

    def events(self) -> tuple[Event, ...]:
        return self.journal.wait(0).events

    def told(self) -> list[tuple[str, str, str, str]]:
        return [(event.device, event.source, event.code, event.detail) for event in self.events()]

    def counted(self, result: str, count: int) -> bool:
        return self.source.trap_counts.get(result) == count


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        threading.Event().wait(0.005)


@contextmanager
def receiving(devices: dict[str, tuple[str, Credentials]]) -> Iterator[Receiver]:
    """Receive for ``devices`` (name → address and secrets)."""
    need("snmptrap", "snmpinform")
    port = free_port()
    configured = tuple(
        SnmpDevice(name, name, address, 1, credentials) for name, (address, credentials) in devices.items()
    )
    readers = {name: CountingReader() for name in devices}
    journal = Journal()
    source = SnmpSource(SnmpConfig(3600, configured, TrapListener("127.0.0.1", port)), readers.__getitem__, journal)
    poller = Poller([source], journal)
    poller.start()
    try:
        wait_until(lambda: all(reader.polls for reader in readers.values()))
        yield Receiver(port, journal, source, readers)
    finally:
        poller.stop()


@pytest.fixture(scope="module")
def shared() -> Iterator[Receiver]:
    devices: dict[str, tuple[str, Credentials]] = {
        "rack-ups": (UPS, V2C),
        "sw-core": (SWITCH, Community("v1", "of-the-switch")),
        "gw-main": (ROUTER, V3),
    }
    with receiving(devices) as receiver:
        yield receiver


@pytest.fixture
def receiver(shared: Receiver) -> Receiver:
    """The shared one, with a new journal and no memory of earlier notifications."""
    shared.journal = shared.source._journal = Journal()
    shared.source._news.clear()
    shared.hurried.clear()
    assert shared.source._receiver
    shared.source._receiver.counts.update(dict.fromkeys(shared.source.trap_counts, 0))
    for result in shared.source.trap_counts:
        shared.source._receiver.counts[result] = 0
    return shared


def notify(
    receiver: Receiver, sender: str, *arguments: str, program: str = "snmptrap"
) -> subprocess.CompletedProcess[str]:
    """Send from ``sender`` by net-snmp; ``arguments`` stand around the receiver's address, at ``AT``."""
    at = f"udp:127.0.0.1:{receiver.port}"
    command = [
        program,
        f"--clientaddr={sender}",
        "-r",
        "0",
        "-t",
        "60",
        *(at if word == "AT" else word for word in arguments),
    ]
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(Path(os.devnull).parent / "shm"), "MIBS": ""}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def v3(user: User = V3, engine_id: str = ENGINE_ID) -> Sequence[str]:
    return (
        "-v3", "-l", "authPriv", "-u", user.user, "-a", "SHA-256", "-A", user.auth_key,
        "-x", "AES", "-X", user.privacy_key, "-e", engine_id,
    )  # fmt: skip


def test_an_smiv2_trap_is_an_event_and_a_poll(receiver: Receiver):
    polls = receiver.readers["rack-ups"].polls
    sent = notify(receiver, UPS, "-v2c", "-c", V2C.community, "AT", "", UPS_ON_BATTERY)
    assert sent.returncode == 0, sent.stderr
    wait_until(lambda: receiver.counted("accepted", 1))
    wait_until(lambda: receiver.readers["rack-ups"].polls > polls)
    assert receiver.told() == [("rack-ups", "trap", "on_battery", UPS_ON_BATTERY)]
    assert receiver.source.trap_counts == {"accepted": 1, "unknown_sender": 0, "refused": 0}


def test_a_v1_trap_of_an_enterprise_is_read_by_rfc_3584(receiver: Receiver):
    notify(receiver, SWITCH, "-v1", "-c", "of-the-switch", "AT", "1.3.6.1.4.1.318", "", "6", "5", "")
    wait_until(receiver.events)
    assert receiver.told() == [("sw-core", "trap", "on_battery", "1.3.6.1.4.1.318.0.5")]


def test_a_v1_link_down_names_its_port(receiver: Receiver):
    port = (IF_NAME, "s", "端口 3")
    notify(receiver, SWITCH, "-v1", "-c", "of-the-switch", "AT", "1.3.6.1.4.1.9", "", "2", "0", "", *port)
    wait_until(receiver.events)
    assert receiver.told() == [("sw-core", "trap", "link_down", "端口 3")]


def test_what_a_device_calls_its_port_steers_no_terminal_and_no_page(receiver: Receiver):
    name = "端口\x1b[31m\n3\u202e".encode().hex()
    notify(receiver, UPS, "-v2c", "-c", V2C.community, "AT", "", LINK_DOWN, IF_NAME, "x", name)
    wait_until(receiver.events)
    assert receiver.told() == [("rack-ups", "trap", "link_down", "端口 [31m 3")]


def test_a_trap_whose_oid_is_none_is_an_event_all_the_same(receiver: Receiver):
    pdu = v2c.SNMPv2TrapPDU()
    v2c.apiTrapPDU.set_defaults(pdu)
    v2c.apiPDU.set_varbinds(pdu, [("1.3.6.1.6.3.1.1.4.1.0", v2c.OctetString("on fire"))])
    message = v2c.Message()
    v2c.apiMessage.set_defaults(message)
    v2c.apiMessage.set_community(message, V2C.community)
    v2c.apiMessage.set_pdu(message, pdu)
    send(receiver, encoder.encode(message))
    wait_until(receiver.events)
    assert receiver.told() == [("rack-ups", "trap", "trap", "0.0")]


def test_a_v3_trap_of_a_device_that_was_never_asked_is_accepted(receiver: Receiver):
    notify(receiver, ROUTER, *v3(), "AT", "", LINK_DOWN, IF_NAME, "s", "ge-0/0/3")
    wait_until(receiver.events)
    assert receiver.told() == [("gw-main", "trap", "link_down", "ge-0/0/3")]


def test_a_v3_trap_of_a_replaced_card_is_accepted_too(receiver: Receiver):
    for engine_id in ("0x80001f880401020304", "0x80001f880405060708"):
        notify(receiver, ROUTER, *v3(engine_id=engine_id), "AT", "", "1.3.6.1.6.3.1.1.5.1")
    wait_until(lambda: receiver.counted("accepted", 2))


@pytest.mark.parametrize("version", ["v2c", "v3"])
def test_an_inform_is_confirmed(receiver: Receiver, version: str):
    if version == "v3":
        secrets = v3()[:-2]  # the receiver's engine id counts, and is asked for
        sent = notify(receiver, ROUTER, *secrets, "AT", "", LINK_UP, program="snmpinform")
    else:
        sent = notify(receiver, UPS, "-v2c", "-c", V2C.community, "AT", "", LINK_UP, program="snmpinform")
    assert sent.returncode == 0, sent.stderr
    wait_until(receiver.events)
    assert [code for _, _, code, _ in receiver.told()] == ["link_up"]


def test_what_is_in_no_table_is_a_trap_with_its_oid(receiver: Receiver):
    notify(receiver, UPS, "-v2c", "-c", V2C.community, "AT", "", "1.3.6.1.4.1.99999.0.7")
    wait_until(receiver.events)
    assert receiver.told() == [("rack-ups", "trap", "trap", "1.3.6.1.4.1.99999.0.7")]


def test_an_alarm_that_is_added_says_which(receiver: Receiver):
    alarm = ("1.3.6.1.2.1.33.1.6.2.1.2.5", "o", "1.3.6.1.2.1.33.1.6.3.3")
    notify(receiver, UPS, "-v2c", "-c", V2C.community, "AT", "", "1.3.6.1.2.1.33.2.3", *alarm)
    wait_until(receiver.events)
    assert [code for _, _, code, _ in receiver.told()] == ["low_battery"]


def test_a_repeated_trap_is_one_event_and_each_time_a_poll(receiver: Receiver):
    for _ in range(3):
        notify(receiver, UPS, "-v2c", "-c", V2C.community, "AT", "", UPS_ON_BATTERY)
    wait_until(lambda: receiver.counted("accepted", 3))
    assert len(receiver.events()) == 1
    assert receiver.hurried == 3 * ["rack-ups"]


def test_a_counted_notification_has_been_handed_on(receiver: Receiver, monkeypatch: pytest.MonkeyPatch):
    counted: list[int] = []
    inner = receiver.source._receiver
    assert inner
    received = inner._received

    def hand_on(*notification: Any) -> None:  # noqa: ANN401
        counted.append(inner.counts["accepted"])
        received(*notification)

    monkeypatch.setattr(inner, "_received", hand_on)
    notify(receiver, UPS, "-v2c", "-c", V2C.community, "AT", "", UPS_ON_BATTERY)
    wait_until(lambda: receiver.counted("accepted", 1))
    assert counted == [0]


@pytest.mark.parametrize(
    ("sender", "arguments", "result"),
    [
        ("127.0.0.99", ("-v2c", "-c", V2C.community), "unknown_sender"),
        (UPS, ("-v2c", "-c", "wrong"), "refused"),
        (UPS, ("-v2c", "-c", "of-the-switch"), "refused"),  # another device's community
        (UPS, v3(), "refused"),  # another device's user
        (ROUTER, ("-v2c", "-c", V2C.community), "refused"),
        (ROUTER, v3(User(V3.user, "authpass-of-nobody", V3.privacy_key), "0x80001f8804aaaaaaaa"), "refused"),
        (ROUTER, v3(User(V3.user, V3.auth_key, "privpass-of-nobody"), "0x80001f8804bbbbbbbb"), "refused"),
        (ROUTER, v3(User("nobody", V3.auth_key, V3.privacy_key)), "refused"),
        (ROUTER, ("-v3", "-l", "noAuthNoPriv", "-u", V3.user, "-e", ENGINE_ID), "refused"),
    ],
)
def test_nobody_else_is_believed(receiver: Receiver, sender: str, arguments: Sequence[str], result: str):
    notify(receiver, sender, *arguments, "AT", "", UPS_ON_BATTERY)
    wait_until(lambda: receiver.counted(result, 1))
    assert (receiver.events(), receiver.hurried) == ((), [])


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x30\x82\xff\xff", b"\x30\x03\x02\x01\x03", b"\x30\x00" * 500])
def test_datagrams_that_are_no_snmp_are_refused(receiver: Receiver, data: bytes):
    send(receiver, data)
    wait_until(lambda: receiver.counted("refused", 1))
    assert receiver.events() == ()


def test_a_v3_trap_that_is_sent_again_much_later_is_refused(receiver: Receiver):
    """RFC 3414 section 3.2 7b: outside of the time window.  The recording device keeps what snmptrap really sent."""
    engine_id = "0x80001f8804cccccccc"
    old = captured(ROUTER, *v3(engine_id=engine_id), "-Z", "7,1000", "AT", "", UPS_ON_BATTERY)
    new = captured(ROUTER, *v3(engine_id=engine_id), "-Z", "7,2000", "AT", "", UPS_ON_BATTERY)
    send(receiver, old, ROUTER)
    wait_until(lambda: receiver.counted("accepted", 1))
    send(receiver, new, ROUTER)
    wait_until(lambda: receiver.counted("accepted", 2))
    send(receiver, old, ROUTER)
    wait_until(lambda: receiver.counted("refused", 1))
    replaced = captured(ROUTER, *v3(engine_id="0x80001f8804dddddddd"), "-Z", "1,5", "AT", "", UPS_ON_BATTERY)
    send(receiver, replaced, ROUTER)  # a new card begins to count again
    wait_until(lambda: receiver.counted("accepted", 3))


def test_traps_and_polls_of_one_v3_device_share_its_engine_id(tmp_path: Path):
    async def main(snmpd: Snmpd) -> list[str]:
        engine = Engine()
        traps: list[str] = []
        router = SnmpDevice("gw-main", "gateway", "127.0.0.1", snmpd.port, V3)
        receiver = TrapReceiver(engine, [router], lambda _device, trap, _variables: traps.append(trap))
        listener = bind(TrapListener("127.0.0.1", 0))
        at: Any = type("Port", (), {"port": listener.getsockname()[1]})
        await receiver.listen(listener)
        device = Device(engine, "127.0.0.1", snmpd.port, V3)
        for count in (1, 2):
            engine_id = (await device.get([SNMP_ENGINE_ID]))[SNMP_ENGINE_ID]
            assert isinstance(engine_id, bytes)
            clock = ("-Z", f"1,{1000 * count}")
            arguments = (*v3(engine_id=f"0x{engine_id.hex()}"), *clock, "AT", "", UPS_ON_BATTERY)
            await asyncio.to_thread(notify, at, "127.0.0.1", *arguments)
            await asyncio.to_thread(wait_until, lambda: receiver.counts["accepted"] == count)  # noqa: B023
        assert SNMP_ENGINE_ID in await device.get([SNMP_ENGINE_ID])
        engine.close()
        return traps

    need("snmptrap")
    with running_snmpd(tmp_path) as snmpd:
        assert asyncio.run(main(snmpd)) == [UPS_ON_BATTERY, UPS_ON_BATTERY]


def captured(sender: str, *arguments: str) -> bytes:
    """Return the datagram that snmptrap sends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as recorder:
        recorder.bind(("127.0.0.1", 0))
        recorder.settimeout(10)
        stand_in: Any = type("Port", (), {"port": recorder.getsockname()[1]})
        notify(stand_in, sender, *arguments)
        return recorder.recv(65536)


def send(receiver: Receiver, data: bytes, sender: str = UPS) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind((sender, 0))
        channel.sendto(data, ("127.0.0.1", receiver.port))


def test_a_flood_of_one_sender_is_not_decoded():
    budget = Budget()
    assert sum(budget.spend(100.0) for _ in range(1000)) == BUDGET
    assert budget.spend(101.0)


def test_what_was_over_in_between_is_news_again():
    news = News()
    assert news.is_new("on_battery", UPS_ON_BATTERY, 0)
    assert not news.is_new("on_battery", UPS_ON_BATTERY, 60)  # each minute, while it lasts
    assert not news.is_new("on_battery", UPS_ON_BATTERY, 120)
    assert news.is_new("mains_back", "1.3.6.1.4.1.318.0.9", 130)
    assert news.is_new("on_battery", UPS_ON_BATTERY, 140)
    assert news.is_new("on_battery", UPS_ON_BATTERY, 140 + REPEAT_SECONDS)
    assert news.is_new("link_down", "port 1", 0)
    assert news.is_new("link_down", "port 2", 1)
    assert news.is_new("link_up", "port 1", 2)
    assert not news.is_new("link_down", "port 2", 3)


@pytest.mark.parametrize(
    ("trap", "code"),
    [
        ("1.3.6.1.2.1.33.2.0.1", "on_battery"),
        ("1.3.6.1.4.1.534.1.11.4.1.0.5", "mains_back"),
        ("1.3.6.1.4.1.705.1.11.0.11", "on_battery"),
        ("1.3.6.1.4.1.3808.0.9", "mains_back"),
        ("1.3.6.1.4.1.318.0.8", "communication_back"),
        ("1.3.6.1.4.1.318.0.99999", "trap"),
        ("1.3.6.1.6.3.1.1.5.4", "link_up"),
        ("0.0", "trap"),
    ],
)
def test_the_table_of_traps(trap: str, code: str):
    assert event_code(trap) == code


def test_a_trap_port_in_use_is_told_with_place_cause_and_next_step():
    with bind(TrapListener("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(AgentError, match="SNMP traps: Address already in use") as caught:
            bind(TrapListener("127.0.0.1", port))
    assert caught.value.place == f"127.0.0.1 port {port}/udp"
    assert f"ss -lunp sport = :{port}" in caught.value.next_step
