"""Receives notifications (SNMPv1 traps, v2c and v3 traps and informs) of the configured devices, and of nobody else."""

import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from pyasn1.codec.ber import decoder
from pysnmp.carrier.asyncio.dgram.udp import UdpTransportAddress
from pysnmp.proto import rfc3411
from pysnmp.proto.api import v1, v2c
from pysnmp.proto.mpmod.rfc3412 import SNMPv3Message
from pysnmp.proto.proxy import rfc2576
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from agent.errors import AgentError
from agent.polled import SnmpDevice, TrapListener
from agent.polling import Value
from agent.snmp.credentials import User
from agent.snmp.engine import Engine
from agent.snmp.repeats import Budget, News
from agent.snmp.transport import UdpSocket
from agent.snmp.trap_codes import ALARM_DESCR
from agent.snmp.values import Foreign, dotted, plain

logger = logging.getLogger(__name__)

TRAP_OID = "1.3.6.1.6.3.1.1.4.1.0"
ENGINE_ID_OCTETS = range(5, 33)
TIME_WINDOW_SECONDS = 150
AUTH_PRIV = 3

Clock = tuple[bytes, int, int]
"""An SNMPv3 engine's id, how often it was started, and its seconds since then."""

Received = Callable[[SnmpDevice, str, Mapping[str, Value | None]], None]
"""Gets a notification: whose it is, its OID, and its variables (dotted OID → value)."""


def bind(listener: TrapListener) -> socket.socket:
    """Return a bound UDP socket; raises AgentError."""
    family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
    channel = socket.socket(family, socket.SOCK_DGRAM)
    try:
        channel.setblocking(False)
        channel.bind((listener.address, listener.port))
    except OSError as error:
        channel.close()
        cause = f"SNMP traps: {error.strerror or error}"
        next_step = f"see who has it with 'ss -lunp sport = :{listener.port}', or correct 'snmp.traps'"
        raise AgentError(f"{listener.address} port {listener.port}/udp", cause, next_step) from error
    return channel


class TrapReceiver:
    """Hands on what comes from a configured device with that device's own community or user."""

    def __init__(self, engine: Engine, devices: Iterable[SnmpDevice], received: Received) -> None:
        self._engine = engine
        self._received = received
        self._devices: dict[str, list[SnmpDevice]] = {}
        for device in devices:
            self._devices.setdefault(device.address, []).append(device)
            engine.secure(device.credentials)
        self._budgets = {address: Budget() for address in self._devices}
        self._complaints = {address: News() for address in self._devices}
        self._met: dict[str, bytes] = {}
        self._clocks: dict[str, Clock] = {}
        self._candidates: list[SnmpDevice] = []
        self._accepted: tuple[SnmpDevice, Foreign] | None = None
        self._transport = UdpSocket(self._datagram, lambda _error: None)
        self.counts: Counter[str] = Counter(accepted=0, unknown_sender=0, refused=0)

    async def listen(self, channel: socket.socket) -> None:
        """Begin to receive on a bound socket."""
        await self._transport.serve(channel)
        self._engine.attach(self._transport)
        kinds = (v1.TrapPDU.tagSet, v2c.SNMPv2TrapPDU.tagSet, v2c.InformRequestPDU.tagSet)
        self._engine.snmp.message_dispatcher.register_context_engine_id(b"", kinds, self._notified)

    def _datagram(self, data: bytes, sender: Foreign) -> None:
        address = sender[0].partition("%")[0]
        candidates = self._devices.get(address)
        if candidates is None:
            self.counts["unknown_sender"] += 1
            if self.counts["unknown_sender"] == 1:
                logger.warning("SNMP traps: %s is no configured device; such senders are only counted", address)
            return
        self._accepted = clock = None
        if self._budgets[address].spend(time.monotonic()):
            clock = self._introduce(data, candidates)
            self._candidates = candidates if clock is None else self._in_time(candidates, clock)
            self._engine.deliver(self._transport, data, UdpTransportAddress(sender))
            self._candidates = []
        if self._accepted is None:
            self.counts["refused"] += 1
            if self._complaints[address].is_new("refused", "", time.monotonic()):
                logger.warning("SNMP trap of %s refused: not with its community or user, or too many", address)
            return
        device, pairs = self._accepted
        if clock is not None:
            known = self._clocks.get(device.name, clock)
            self._clocks[device.name] = max(clock, known) if known[0] == clock[0] else clock
        variables = {dotted(tuple(oid)): _value(value) for oid, value in pairs}
        trap = variables.get(TRAP_OID)
        self._received(device, trap if isinstance(trap, str) else "0.0", variables)
        self.counts["accepted"] += 1  # when it has its event: another thread may be looking

    def _introduce(self, data: bytes, candidates: list[SnmpDevice]) -> Clock | None:
        """SNMPv3: make the sender's user known for its engine id; returns that engine's clock.

        A trap's sender is its own authority (RFC 3414 section 3.1), which may be heard before it was ever asked.
        None for anything else than an SNMPv3 trap: an inform is checked against our own engine.
        """
        try:
            message, _ = decoder.decode(data, asn1Spec=SNMPv3Message())
            parameters, _ = decoder.decode(message[2], asn1Spec=UsmSecurityParameters())
            engine_id, user = bytes(parameters[0]), bytes(parameters[3])
            clock = engine_id, int(parameters[1]), int(parameters[2])
        except Exception:  # what a malformed datagram makes pyasn1 raise is no fixed set
            return None
        for device in candidates:
            credentials = device.credentials
            if isinstance(credentials, User) and credentials.user.encode() == user:
                self._engine.secure(credentials)
                if engine_id != bytes(self._engine.snmp.snmpEngineID) and len(engine_id) in ENGINE_ID_OCTETS:
                    self._meet(device.name, credentials, engine_id)
                    return clock
        return None

    def _meet(self, name: str, user: User, engine_id: bytes) -> None:
        """Keep one engine id a device: forged ones cannot fill the memory."""
        met = self._met.get(name)
        if met != engine_id:
            if met is not None:
                self._engine.remove_user(user, met)
            self._engine.add_user(user, engine_id)
            self._met[name] = engine_id

    def _in_time(self, candidates: list[SnmpDevice], clock: Clock) -> list[SnmpDevice]:
        """Leave out whom this would be an old message of, sent again (RFC 3414 section 3.2 7b; pysnmp lets it pass)."""
        engine_id, boots, seconds = clock
        latest = (boots, seconds + TIME_WINDOW_SECONDS)
        known = {device.name: self._clocks.get(device.name, clock) for device in candidates}
        return [
            device for device in candidates if known[device.name][0] != engine_id or latest >= known[device.name][1:]
        ]

    def _notified(self, *arguments: Foreign) -> None:
        """Take a notification whose community or keys are good; pysnmp's ``processPdu``."""
        snmp, version, _model, name, level, _engine_id, _context, _pdu_version, pdu, size, reference = arguments
        device = next((each for each in self._candidates if self._is_of(each, int(version), name, int(level))), None)
        if device is None:
            return
        pairs = v2c.apiPDU.get_varbinds(rfc2576.v1_to_v2(pdu) if int(version) == 0 else pdu)
        self._accepted = device, pairs
        if pdu.tagSet in rfc3411.CONFIRMED_CLASS_PDUS:
            answer = v2c.apiPDU.get_response(pdu)
            v2c.apiPDU.set_varbinds(answer, pairs)
            snmp.message_dispatcher.return_response_pdu(*arguments[:8], answer, size, reference, {})

    def _is_of(self, device: SnmpDevice, version: int, name: Foreign, level: int) -> bool:
        security = self._engine.secure(device.credentials)
        if security.version == AUTH_PRIV:
            return version == AUTH_PRIV and level == AUTH_PRIV and name == security.name
        return version < AUTH_PRIV and name == security.name


def _value(value: Foreign) -> Value | None:
    try:
        return plain(value)
    except ValueError:
        return None  # of a type that SNMP does not have: the notification counts all the same


def alarm_of(variables: Mapping[str, Value | None]) -> str:
    """Return the alarm that RFC 1628's upsTrapAlarmEntry… carries, as a dotted OID; "" without one."""
    found = (value for oid, value in variables.items() if oid.startswith(f"{ALARM_DESCR}."))
    return str(next(found, ""))
