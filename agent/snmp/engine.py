"""The one pysnmp engine of this process: its message processing and security, without its sockets and its clock."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass

from pysnmp.carrier.asyncio.dgram.udp import SNMP_UDP_DOMAIN
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.proto import errind

from agent.polling import Trouble
from agent.snmp.credentials import Community, Credentials, User
from agent.snmp.transport import MonotonicDispatcher, UdpSocket
from agent.snmp.values import Foreign, Oid

logger = logging.getLogger(__name__)

AUTHENTICATION = config.USM_AUTH_HMAC192_SHA256
PRIVACY = config.USM_PRIV_CFB128_AES
TICK_SECONDS = 1.0
REQUEST_TICKS = 10
"""How long the engine knows a request: longer than anybody waits for its answer."""

CREDENTIALS_REFUSED = (
    errind.UnknownSecurityName, errind.UnknownUserName, errind.UnsupportedSecurityLevel, errind.WrongDigest,
    errind.AuthenticationFailure, errind.AuthenticationError, errind.DecryptionError,
)  # fmt: skip
"""What SNMPv3 says when user, key or level are wrong (RFC 3414 section 3.2)."""

TRY_AGAIN = (errind.UnknownEngineID, errind.NotInTimeWindow)
"""What a device says while it and the engine learn about each other, and after either was restarted."""


@dataclass(frozen=True)
class Security:
    """How messages to and from one device are made: RFC 3411's models, the security name, the level."""

    version: int  # message processing model: 0 v1, 1 v2c, 3 v3
    model: int
    name: Foreign
    level: int


class Engine:
    """Made inside the event loop that it then belongs to."""

    def __init__(self) -> None:
        self._snmp = SnmpEngine()
        dispatcher = MonotonicDispatcher(loop=asyncio.get_running_loop())
        dispatcher.set_timer_resolution(TICK_SECONDS)
        self._snmp.register_transport_dispatcher(dispatcher)
        builder = self._snmp.get_mib_builder()
        (self._text,) = builder.import_symbols("SNMP-FRAMEWORK-MIB", "SnmpAdminString")
        self._undecodable = builder.import_symbols("__SNMPv2-MIB", "snmpInASNParseErrs", "snmpInBadVersions")
        self._domains = itertools.count(1)
        self._communities: dict[str, str] = {}
        self._users: dict[str, User] = {}
        self._master_keys: dict[User, tuple[Foreign, Foreign]] = {}
        self._refusal: Foreign = None
        failures = ("rfc3412.prepareDataElements:sm-failure", "rfc2576.prepareDataElements:sm-failure")
        self._snmp.observer.register_observer(self._refused, *failures)
        self.receiving: UdpSocket | None = None

    def close(self) -> None:
        """Close every socket."""
        self._snmp.close_dispatcher()

    def attach(self, transport: UdpSocket) -> Oid:
        """Take a socket; returns the domain that stands for it alone."""
        domain = (*SNMP_UDP_DOMAIN, next(self._domains))
        self._snmp.transport_dispatcher.register_transport(domain, transport)
        return domain

    def forget(self, domain: Oid, transport: UdpSocket) -> Oid:
        """Forget the engine id met through a socket; returns its new domain, under which it will be met anew."""
        self._snmp.transport_dispatcher.unregister_transport(domain)
        return self.attach(transport)

    def detach(self, domain: Oid) -> None:
        """Let a socket go and close it."""
        dispatcher = self._snmp.transport_dispatcher
        transport = dispatcher.get_transport(domain)
        dispatcher.unregister_transport(domain)
        transport.close_transport()

    def secure(self, credentials: Credentials) -> Security:
        """Make ``credentials`` the ones that the next message of its user or community is made or checked with.

        Called before each message: two devices may know one user name by different keys, and pysnmp takes the keys
        for a device's engine id when it first hears of that.
        """
        if isinstance(credentials, Community):
            name = self._communities.get(credentials.community)
            if name is None:
                name = self._communities[credentials.community] = f"community-{len(self._communities)}"
                config.add_v1_system(self._snmp, name, credentials.community)
            version = {"v1": 0, "v2c": 1}[credentials.version]
            return Security(version, version + 1, self._text(name), 1)
        if self._users.get(credentials.user) != credentials:
            self._users[credentials.user] = credentials
            self.add_user(credentials)
        return Security(3, 3, self._text(credentials.user), 3)

    def add_user(self, user: User, engine_id: bytes | None = None) -> None:
        """Make a user known, for one device's engine id or for those yet to be met."""
        keys = self._master_keys.get(user)
        if keys is None:
            authentication, privacy = config.AUTH_SERVICES[AUTHENTICATION], config.PRIV_SERVICES[PRIVACY]
            keys = (
                authentication.hash_passphrase(user.auth_key.encode()),
                privacy.hash_passphrase(AUTHENTICATION, user.privacy_key.encode()),
            )
            self._master_keys[user] = keys  # a mebibyte of hashing each (RFC 3414 section 2.6)
        config.add_v3_user(
            self._snmp, user.user, AUTHENTICATION, keys[0], PRIVACY, keys[1], securityEngineId=engine_id,
            authKeyType=config.USM_KEY_TYPE_MASTER, privKeyType=config.USM_KEY_TYPE_MASTER,
        )  # fmt: skip

    def remove_user(self, user: User, engine_id: bytes) -> None:
        """Forget a user's keys for one device's engine id; pysnmp makes them again when it needs them."""
        config.delete_v3_user(self._snmp, user.user, engine_id)

    def send(
        self, domain: Oid, address: Foreign, security: Security, pdu: Foreign, arrived: Callable[..., None]
    ) -> None:
        """Send a request; ``arrived`` gets what pysnmp's ``processResponsePdu`` gets, its own time-out too."""
        self._snmp.message_dispatcher.send_pdu(
            self._snmp, domain, address, security.version, security.model, security.name, security.level, None, b"",
            min(security.version, 1), pdu, True, REQUEST_TICKS, arrived, None,
        )  # fmt: skip

    def deliver(self, transport: UdpSocket, data: bytes, address: Foreign) -> Trouble | None:
        """Process a datagram wholly; returns what is wrong with it, as far as pysnmp can tell."""
        before, self._refusal = self._undecodable_count(), None
        self.receiving = transport
        try:
            transport.deliver(data, address)
        except Exception as error:  # what a malformed datagram makes pysnmp raise is no fixed set
            logger.debug("datagram of %s: %r", address, error)
            return Trouble.BAD_ANSWER
        finally:
            self.receiving = None
        if self._undecodable_count() > before:
            return Trouble.BAD_ANSWER
        if self._refusal is not None:
            return Trouble.WRONG_CREDENTIALS if isinstance(self._refusal, CREDENTIALS_REFUSED) else Trouble.BAD_ANSWER
        return None

    def _undecodable_count(self) -> int:
        return sum(int(counter.syntax) for counter in self._undecodable)

    def _refused(self, _engine: Foreign, _point: str, variables: dict[str, Foreign], _context: Foreign) -> None:
        self._refusal = variables["statusInformation"].get("errorIndication")

    @property
    def snmp(self) -> Foreign:
        """The engine itself, for the receiver of notifications."""
        return self._snmp
