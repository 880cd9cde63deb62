"""Asking real SNMP agents (net-snmp's snmpd, recordings by snmpsim), and devices that answer badly."""

import asyncio
import gc
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pysnmp.proto.api import v2c

import agent.snmp.device
import agent.snmp.engine
import agent.snmp.session
from agent.polling import PollError, Trouble
from agent.snmp.credentials import Community, Credentials, User
from agent.snmp.device import NO_SUCH_NAME, Device
from agent.snmp.engine import Engine
from tests.agent import broken_devices
from tests.agent.broken_devices import Answer, answer_with, as_response, misbehaving_device, names_of
from tests.agent.ports import free_port
from tests.agent.snmpd import COMMUNITY, V1, V2C, V3, Snmpd, need, running_snmpd
from tests.agent.virtual_time import VirtualTime
from tests.simulator import running_simulator

SYSTEM = "1.3.6.1.2.1.1"
DESCRIPTION, OBJECT_ID, LOCATION = f"{SYSTEM}.1.0", f"{SYSTEM}.2.0", f"{SYSTEM}.6.0"
MISSING = f"{SYSTEM}.99.0"
EVERY_VERSION = pytest.mark.parametrize("credentials", [V1, V2C, V3], ids=["v1", "v2c", "v3"])
RECORDING = """1.3.6.1.2.1.1.1.0|4|a device of the test
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.318.1.3.27
1.3.6.1.2.1.1.3.0|67|4294967295
1.3.6.1.2.1.4.20.1.1.198.18.0.9|64|198.18.0.9
1.3.6.1.2.1.31.1.1.1.6.1|70|18446744073709551615
1.3.6.1.2.1.33.1.2.5.0|66|4294967295
1.3.6.1.2.1.33.1.2.7.0|2|-5
1.3.6.1.2.1.33.1.3.3.1.3.1|5|
"""


@pytest.fixture(scope="module")
def snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    with running_snmpd(tmp_path_factory.mktemp("snmpd")) as running:
        yield running


def ask(port: int, credentials: Credentials, what: Callable[[Device], Awaitable[Any]]) -> Any:  # noqa: ANN401
    """Run ``what`` with a device at ``port``, in an engine of its own."""

    async def main() -> object:
        engine = Engine()
        try:
            return await what(Device(engine, "127.0.0.1", port, credentials))
        finally:
            engine.close()

    return asyncio.run(main())


def description(device: Device) -> Awaitable[Any]:
    return device.get([DESCRIPTION])


def ask_broken(
    answer: Answer,
    what: Callable[[Device], Awaitable[Any]] = description,
    credentials: Credentials = V2C,
    late_seconds: float = 0,
) -> Any:  # noqa: ANN401
    """Run ``what`` with a device that stands in the same virtual time: nobody's haste or delay decides anything."""

    async def main() -> object:
        engine = Engine()
        try:
            async with misbehaving_device(answer, late_seconds) as port:
                return await what(Device(engine, "127.0.0.1", port, credentials))
        finally:
            engine.close()

    with asyncio.Runner(loop_factory=lambda: VirtualTime(kernel_seconds=0.01)) as runner:
        return runner.run(main())


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a short while where no answer is to come."""
    monkeypatch.setattr(agent.snmp.session, "WAITS_SECONDS", (0.1, 0.1, 0.2))


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait long enough for a real device, and not much longer where one falls silent."""
    monkeypatch.setattr(agent.snmp.session, "WAITS_SECONDS", (2.0, 0.1, 0.1))


@EVERY_VERSION
def test_what_exists_is_answered_and_what_does_not_is_missing(snmpd: Snmpd, credentials: Credentials):
    found = ask(snmpd.port, credentials, lambda device: device.get([DESCRIPTION, MISSING, OBJECT_ID, LOCATION]))
    assert set(found) == {DESCRIPTION, OBJECT_ID, LOCATION}
    assert found[OBJECT_ID].startswith("1.3.6.1.4.1.8072.")
    assert found[LOCATION].decode() == "机房"


@EVERY_VERSION
def test_more_objects_than_fit_a_request_are_all_answered(snmpd: Snmpd, credentials: Credentials):
    async def both(device: Device) -> tuple[dict[str, Any], dict[str, Any]]:
        walked = await device.walk("1.3.6.1.6.3")  # its own settings: the machine's interfaces come and go
        return walked, await device.get([*walked, MISSING])

    walked, got = ask(snmpd.port, credentials, both)
    assert len(walked) > 2 * agent.snmp.device.OIDS_A_REQUEST
    assert set(got) == set(walked)


@EVERY_VERSION
def test_a_walk_gives_what_snmpwalk_gives(snmpd: Snmpd, credentials: Credentials):
    need("snmpwalk")
    host = f"127.0.0.1:{snmpd.port}"
    command = ["snmpwalk", "-v2c", "-c", COMMUNITY, "-On", "-Oq", host, SYSTEM]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    expected = [line.split()[0].removeprefix(".") for line in lines if line.startswith(".")]
    walked = ask(snmpd.port, credentials, lambda device: device.walk(SYSTEM))
    assert list(walked) == expected


@EVERY_VERSION
def test_a_walk_of_nothing_is_empty(snmpd: Snmpd, credentials: Credentials):
    assert ask(snmpd.port, credentials, lambda device: device.walk("1.3.6.1.4.1.99999")) == {}
    assert ask(snmpd.port, credentials, lambda device: device.walk("2.5")) == {}


def test_every_type_comes_as_a_plain_value(tmp_path: Path):
    with running_simulator(tmp_path, {"device": RECORDING}) as simulator:
        found = ask(simulator.port, Community("v2c", "device"), lambda device: device.walk("1.3.6.1.2.1"))
        slow = ask(simulator.port, Community("v1", "device"), lambda device: device.walk("1.3.6.1.2.1.1"))
    assert found == {
        "1.3.6.1.2.1.1.1.0": b"a device of the test",
        "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.318.1.3.27",
        "1.3.6.1.2.1.1.3.0": 4294967295,
        "1.3.6.1.2.1.4.20.1.1.198.18.0.9": "198.18.0.9",
        "1.3.6.1.2.1.31.1.1.1.6.1": 18446744073709551615,
        "1.3.6.1.2.1.33.1.2.5.0": 4294967295,
        "1.3.6.1.2.1.33.1.2.7.0": -5,
    }
    assert len(slow) == 3


def test_a_walk_is_bounded(snmpd: Snmpd, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(agent.snmp.device, "MAX_VALUES", 10)
    with pytest.raises(PollError, match="more than 10 values") as caught:
        ask(snmpd.port, V2C, lambda device: device.walk(SYSTEM))
    assert caught.value.trouble is Trouble.BAD_ANSWER


def test_names_that_do_not_increase_end_a_walk():
    def same_again(request: bytes) -> bytes:
        return request.replace(b"\xa5", b"\xa2", 1).replace(b"\x02\x01\x14\x30", b"\x02\x01\x00\x30", 1)

    with pytest.raises(PollError, match="do not increase") as caught:
        ask_broken(same_again, lambda device: device.walk(SYSTEM))
    assert caught.value.trouble is Trouble.BAD_ANSWER


@pytest.mark.parametrize("end", [v2c.NoSuchObject(""), v2c.NoSuchInstance(""), NO_SUCH_NAME], ids=str)
def test_every_way_to_say_that_nothing_follows_ends_a_walk(end: object):
    """Agents that were written for SNMPv1 say noSuchName to v2c's GETBULK, too; net-snmp's walk ends there as well."""
    first = f"{SYSTEM}.1.0"

    def short(request: bytes) -> bytes:
        if names_of(request) == [SYSTEM]:
            return answer_with(request, [(first, v2c.OctetString("all there is"))])
        if end == NO_SUCH_NAME:
            return answer_with(request, [(first, v2c.Null(""))], status=NO_SUCH_NAME)
        return answer_with(request, [(first, end)])

    assert ask_broken(short, lambda device: device.walk(SYSTEM)) == {first: b"all there is"}


@pytest.mark.parametrize(
    ("kind", "octets", "meant"),
    [
        (0x41, b"\x80\x00\x00\x00", 2**31),  # Counter32
        (0x42, b"\xff\xff\xff\xff", 2**32 - 1),  # Gauge32
        (0x43, b"\x80\x00\x00\x01", 2**31 + 1),  # TimeTicks: 248 days
        (0x46, b"\xff" * 8, 2**64 - 1),  # Counter64
    ],
)
def test_a_count_without_the_zero_before_its_first_bit_is_read_as_it_is_meant(kind: int, octets: bytes, meant: int):
    def careless(request: bytes) -> bytes:
        values = [(name, v2c.OctetString(octets)) for name in names_of(request)]
        return answer_with(request, values).replace(
            bytes([4, len(octets)]) + octets, bytes([kind, len(octets)]) + octets
        )

    found = ask_broken(careless, lambda device: device.get([OBJECT_ID, DESCRIPTION]))
    assert found == {OBJECT_ID: meant, DESCRIPTION: meant}


@pytest.mark.parametrize(
    "credentials",
    [
        User(V3.user, "authpass-of-nobody", V3.privacy_key),
        User("nobody", V3.auth_key, V3.privacy_key),
        User(V3.user, V3.auth_key, "privpass-of-nobody"),
    ],
    ids=["authentication", "user", "privacy"],
)
def test_wrong_snmpv3_credentials_are_called_so_each_time(snmpd: Snmpd, credentials: User, brief: None):
    async def twice(device: Device) -> list[Trouble]:
        troubles = []
        for _ in range(2):
            with pytest.raises(PollError) as caught:
                await device.get([DESCRIPTION])
            troubles.append(caught.value.trouble)
        return troubles

    assert ask(snmpd.port, credentials, twice) == 2 * [Trouble.WRONG_CREDENTIALS]


def test_a_wrong_community_is_silence(snmpd: Snmpd, hasty: None):
    with pytest.raises(PollError) as caught:
        ask(snmpd.port, Community("v2c", "wrong"), description)
    assert caught.value.trouble is Trouble.UNREACHABLE


def test_a_closed_port_is_known_at_once():
    with pytest.raises(PollError, match="refused") as caught:
        ask(free_port(), V2C, lambda device: device.get([DESCRIPTION]))
    assert caught.value.trouble is Trouble.UNREACHABLE


def test_what_a_closed_port_refuses_again_and_again_fills_no_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(agent.snmp.engine, "TICK_SECONDS", 0.02)

    def kept() -> int:
        gc.collect()
        return sum(isinstance(each, v2c.VarBind) for each in gc.get_objects())

    async def refused(device: Device) -> None:
        before = kept()
        for _ in range(20):
            with pytest.raises(PollError):
                await device.get([DESCRIPTION])
        deadline = time.monotonic() + 20
        while kept() > before + 5:
            assert time.monotonic() < deadline, f"{kept() - before} requests are kept"
            await asyncio.sleep(0.1)

    ask(free_port(), V2C, refused)


@EVERY_VERSION
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (broken_devices.silent, Trouble.UNREACHABLE),
        (broken_devices.garbage, Trouble.BAD_ANSWER),
        (broken_devices.truncated, Trouble.BAD_ANSWER),
        (broken_devices.lying_about_length, Trouble.BAD_ANSWER),
    ],
)
def test_a_broken_device_is_called_what_it_is(answer: Answer, expected: Trouble, credentials: Credentials):
    with pytest.raises(PollError) as caught:
        ask_broken(answer, credentials=credentials)
    assert caught.value.trouble is expected


def test_an_answer_with_another_community_is_a_bad_one():
    with pytest.raises(PollError) as caught:
        ask_broken(broken_devices.with_another_community)
    assert caught.value.trouble is Trouble.BAD_ANSWER


def test_a_device_that_always_answers_too_late_is_called_slow():
    total = sum(agent.snmp.session.WAITS_SECONDS)

    async def twice(device: Device) -> Trouble:
        for _ in range(2):
            with pytest.raises(PollError) as caught:
                await device.get([DESCRIPTION])
            await asyncio.sleep(2)
        return caught.value.trouble

    assert ask_broken(as_response, twice, late_seconds=total + 1) is Trouble.TOO_SLOW


def test_an_answer_to_the_first_of_several_requests_still_counts():
    late = sum(agent.snmp.session.WAITS_SECONDS) - 0.1
    assert ask_broken(as_response, late_seconds=late) == {}


def test_a_lost_request_is_sent_again():
    seen: list[bytes] = []

    def deaf_at_first(request: bytes) -> bytes | None:
        seen.append(request)
        return as_response(request) if len(seen) > 1 else None

    assert ask_broken(deaf_at_first) == {}


def test_an_answer_from_another_address_is_not_taken(hasty: None):
    """The real device is silent; somebody else answers to the same socket with the right request's numbers."""
    import socket  # noqa: PLC0415

    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger,
    ):
        device.bind(("127.0.0.1", 0))
        forger.bind(("127.0.0.2", 0))

        async def forged(asked: Device) -> None:
            loop = asyncio.get_running_loop()
            question = asyncio.create_task(asked.get([DESCRIPTION]))
            request, client = await loop.run_in_executor(None, device.recvfrom, 65536)
            forger.sendto(as_response(request), client)
            await question

        with pytest.raises(PollError) as caught:
            ask(device.getsockname()[1], V2C, forged)
    assert caught.value.trouble is Trouble.UNREACHABLE


def test_a_device_that_comes_back_with_another_engine_id_is_met_anew(tmp_path: Path, brief: None):
    async def across(device: Device) -> None:
        with running_snmpd(tmp_path / "first", port=port):
            assert DESCRIPTION in await device.get([DESCRIPTION])
        with running_snmpd(tmp_path / "second", port=port):
            for _ in range(10):
                try:
                    found = await device.get([DESCRIPTION])
                except PollError:
                    continue
                assert DESCRIPTION in found
                return
        pytest.fail("never met again")

    port = free_port()
    ask(port, V3, across)


def test_two_devices_may_know_one_user_by_different_keys(snmpd: Snmpd, tmp_path: Path):
    other = User(V3.user, "another-authpass", "another-privpass")

    async def main(port: int) -> None:
        engine = Engine()
        devices = [Device(engine, "127.0.0.1", snmpd.port, V3), Device(engine, "127.0.0.1", port, other)]
        for _ in range(2):
            answers = await asyncio.gather(*(device.get([DESCRIPTION]) for device in devices))
            assert all(DESCRIPTION in answer for answer in answers)
        engine.close()

    with running_snmpd(tmp_path / "other", user=other) as second:
        asyncio.run(main(second.port))


@EVERY_VERSION
@pytest.mark.parametrize("jump_seconds", [-86400.0, 86400.0])
def test_a_wall_clock_that_jumps_disturbs_no_device(
    snmpd: Snmpd, credentials: Credentials, jump_seconds: float, monkeypatch: pytest.MonkeyPatch
):
    real = time.time
    monkeypatch.setattr(agent.snmp.session, "WAITS_SECONDS", (30.0,))  # nothing is sent again

    async def across(device: Device) -> None:
        assert DESCRIPTION in await device.get([DESCRIPTION])
        monkeypatch.setattr(time, "time", lambda: real() + jump_seconds)
        for _ in range(2):
            assert DESCRIPTION in await device.get([DESCRIPTION])

    ask(snmpd.port, credentials, across)


def test_secrets_are_in_no_representation():
    text = f"{V2C!r} {V3!r}"
    assert not any(secret in text for secret in (COMMUNITY, V3.auth_key, V3.privacy_key))
