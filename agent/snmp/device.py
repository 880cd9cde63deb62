"""One device that is asked over SNMP: GET and walk as agents in the field really answer them."""

from collections.abc import Callable, Iterable, Sequence

from pysnmp.proto.api import v1, v2c
from pysnmp.proto.rfc1905 import EndOfMibView, NoSuchInstance, NoSuchObject

from agent.polling import PollError, Trouble, Value
from agent.snmp.credentials import Community, Credentials
from agent.snmp.engine import Engine
from agent.snmp.session import Session
from agent.snmp.values import Foreign, Oid, dotted, object_name, plain

OIDS_A_REQUEST = 20
REPETITIONS = 20
MAX_VALUES = 20_000
NO_SUCH_NAME = 2
ABOUT_ONE_OBJECT = (NO_SUCH_NAME, 5, 6, 16)
"""noSuchName, genErr, noAccess, authorizationError: the whole answer fails for one object (RFC 1157, RFC 3416)."""

ENDS = (EndOfMibView, NoSuchObject, NoSuchInstance)
"""All end a walk: only the first may answer a GETNEXT (RFC 3416 section 4.2.2), but agents send the others, too."""

Pairs = list[tuple[Oid, Foreign]]


class Device:
    """Implements ``agent.polling.Snmp``."""

    def __init__(self, engine: Engine, address: str, port: int, credentials: Credentials) -> None:
        self._session = Session(engine, address, port, credentials)
        self._v1 = isinstance(credentials, Community) and credentials.version == "v1"
        self._api = v1 if self._v1 else v2c

    def close(self) -> None:
        """Close the socket."""
        self._session.close()

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """See ``agent.polling.Snmp``."""
        asked = list(dict.fromkeys(oids))
        found: dict[str, Value] = {}
        for start in range(0, len(asked), OIDS_A_REQUEST):
            found.update(await self._get(asked[start : start + OIDS_A_REQUEST]))
        return found

    async def walk(self, root: str) -> dict[str, Value]:
        """See ``agent.polling.Snmp``; at most 20 000 values, and names must increase (RFC 3416 section 4.2.2)."""
        walk = _Walk(root)
        repetitions = 1 if self._v1 else REPETITIONS
        while True:
            status, _, pairs = await self._next(dotted(walk.last), repetitions)
            if status and repetitions > 1:
                repetitions = 1  # for cards that fail instead of filling a shorter answer
            elif status == NO_SUCH_NAME:
                return walk.found  # the end of what it has (RFC 1157 section 4.1.3); some say so with v2c as well
            elif status:
                raise walk.failure(f"error status {status} after {dotted(walk.last)}")
            elif walk.ends_with(pairs):
                return walk.found

    async def _get(self, oids: list[str]) -> dict[str, Value]:
        status, index, pairs = await self._ask(lambda: self._fill(self._api.GetRequestPDU(), self._api.apiPDU, oids))
        if not status:
            values = {dotted(name): _plain(name, value) for name, value in pairs}
            return {name: value for name, value in values.items() if value is not None and name in oids}
        if status in ABOUT_ONE_OBJECT and 1 <= index <= len(oids):
            rest = [*oids[: index - 1], *oids[index:]]
            return await self._get(rest) if rest else {}
        if len(oids) > 1:  # too big an answer, or an index that says nothing
            half = len(oids) // 2
            return {**await self._get(oids[:half]), **await self._get(oids[half:])}
        if status in ABOUT_ONE_OBJECT:
            return {}
        raise PollError(Trouble.BAD_ANSWER, f"{oids[0]}: error status {status}")

    async def _next(self, oid: str, repetitions: int) -> tuple[int, int, Pairs]:
        def next_one() -> Foreign:
            return self._fill(v1.GetNextRequestPDU(), v1.apiPDU, [oid])

        def bulk() -> Foreign:
            pdu = self._fill(v2c.GetBulkRequestPDU(), v2c.apiBulkPDU, [oid])
            v2c.apiBulkPDU.set_max_repetitions(pdu, repetitions)
            return pdu

        return await self._ask(next_one if self._v1 else bulk)

    def _fill(self, pdu: Foreign, api: Foreign, oids: Iterable[str]) -> Foreign:
        api.set_defaults(pdu)
        api.set_varbinds(pdu, [(object_name(oid), self._api.null) for oid in oids])
        return pdu

    async def _ask(self, make: Callable[[], Foreign]) -> tuple[int, int, Pairs]:
        """Return error status, error index, names and pysnmp's values."""
        pdu = await self._session.ask(make)
        pairs = [(tuple(name), value) for name, value in self._api.apiPDU.get_varbinds(pdu)]
        return int(pdu[1]), int(pdu[2]), pairs


class _Walk:
    """What a walk has seen so far."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._start = tuple(map(int, root.split(".")))
        self._seen = 0
        self.last: Oid = self._start
        self.found: dict[str, Value] = {}

    def ends_with(self, pairs: Pairs) -> bool:
        """Take one answer in; return whether it was the last.  Raises PollError."""
        for name, value in pairs:
            if isinstance(value, ENDS) or name[: len(self._start)] != self._start:
                return True
            if name <= self.last:
                raise self.failure(f"{dotted(name)} after {dotted(self.last)}: the names do not increase")
            self.last = name
            self._seen += 1
            if self._seen > MAX_VALUES:
                raise self.failure(f"more than {MAX_VALUES} values")
            plain_value = _plain(name, value)
            if plain_value is not None:
                self.found[dotted(name)] = plain_value
        return not pairs

    def failure(self, text: str) -> PollError:
        """Return the error that says what is wrong with the device's answers."""
        return PollError(Trouble.BAD_ANSWER, f"walk of {self._root}: {text}")


def _plain(name: Oid, value: Foreign) -> Value | None:
    try:
        return plain(value)
    except ValueError as error:
        raise PollError(Trouble.BAD_ANSWER, f"{dotted(name)}: {error}") from error
