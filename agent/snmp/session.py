"""Request and answer with one device: sent again, checked, and a failure told by its name."""

import asyncio
from collections.abc import Callable

from pysnmp.carrier.asyncio.dgram.udp import UdpTransportAddress
from pysnmp.proto import errind

from agent.polling import PollError, Trouble
from agent.snmp.credentials import Credentials
from agent.snmp.engine import CREDENTIALS_REFUSED, TRY_AGAIN, Engine
from agent.snmp.transport import UdpSocket
from agent.snmp.values import Foreign, Oid

WAITS_SECONDS = (2.0, 2.0, 4.0)
"""A request is sent again after each; an answer to any of them counts until the last is over."""

MAX_INTRODUCTIONS = 4
"""SNMPv3: messages until engine id and time are known, before the device is taken as confused."""

_SILENCE: dict[Trouble | None, str] = {
    None: f"no answer within {sum(WAITS_SECONDS):g} s",
    Trouble.TOO_SLOW: f"its answers come later than after {sum(WAITS_SECONDS):g} s",
    Trouble.BAD_ANSWER: "its answers cannot be decoded",
    Trouble.WRONG_CREDENTIALS: "it answers, but not with our keys: the privacy key may be wrong",
}

Make = Callable[[], Foreign]
"""Makes the PDU of a request, a new one for each time it is sent."""

Answer = asyncio.Future[Foreign]


class Session:
    """Talks to one device through a socket connected to it: nobody else's answer comes in."""

    def __init__(self, engine: Engine, address: str, port: int, credentials: Credentials) -> None:
        self._engine = engine
        self._address = UdpTransportAddress((address, port))
        self._credentials = credentials
        self._transport: UdpSocket | None = None
        self._domain: Oid = ()
        self._waiting: set[Answer] = set()
        self._callbacks = 0
        self._heard: Trouble | None = None
        self._introduced = False

    def close(self) -> None:
        """Close the socket; the next request opens another."""
        if self._transport is not None:
            self._engine.detach(self._domain)
            self._transport = None

    async def ask(self, make: Make) -> Foreign:
        """Send what ``make`` makes until there is an answer, and return its PDU; raises PollError."""
        await self._open()
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting.add(answer)
        try:
            for seconds in WAITS_SECONDS:
                self._send(make, answer, MAX_INTRODUCTIONS)
                await asyncio.wait({answer}, timeout=seconds)
                if answer.done():
                    pdu = answer.result()
                    self._heard, self._introduced = None, False
                    return pdu
        finally:
            self._waiting.discard(answer)
            answer.cancel()
        raise self._silence()

    def _silence(self) -> PollError:
        heard, self._heard = self._heard, None
        if heard is None and self._introduced:
            heard = Trouble.WRONG_CREDENTIALS  # told us its engine id and its time, and does not understand the rest
        self._forget()
        return PollError(heard or Trouble.UNREACHABLE, _SILENCE[heard])

    def _forget(self) -> None:
        """Meet the device anew with the next request: it may be another one, or have been restarted."""
        self._introduced = False
        if self._transport is not None:
            self._domain = self._engine.forget(self._domain, self._transport)

    async def _open(self) -> None:
        if self._transport is not None:
            return
        transport = UdpSocket(self._received, self._network_refused)
        try:
            await transport.connect(*self._address)
        except OSError as error:
            raise PollError(Trouble.UNREACHABLE, error.strerror or str(error)) from error
        if self._transport is not None:  # two requests at once opened it
            transport.close_transport()
            return
        self._transport = transport
        self._domain = self._engine.attach(transport)

    def _send(self, make: Make, answer: Answer, introductions: int) -> None:
        transport = self._transport
        if answer.done() or transport is None:
            return

        def arrived(*arguments: Foreign) -> None:
            pdu, failure = arguments[8], arguments[9]
            self._callbacks += 1
            if answer.cancelled() and not failure:
                self._heard = Trouble.TOO_SLOW  # nobody waits for it any more
            elif answer.done():
                return
            elif failure:
                self._failed(failure["errorIndication"], make, answer, introductions)
            elif self._engine.receiving is transport:
                answer.set_result(pdu)

        security = self._engine.secure(self._credentials)
        self._engine.send(self._domain, self._address, security, make(), arrived)

    def _failed(self, why: Foreign, make: Make, answer: Answer, introductions: int) -> None:
        if isinstance(why, errind.RequestTimedOut):
            return  # by the engine's clock; ours decides
        if isinstance(why, TRY_AGAIN) and introductions:
            self._introduced = True
            asyncio.get_running_loop().call_soon(self._send, make, answer, introductions - 1)
            return
        if isinstance(why, errind.UnknownEngineID):
            self._forget()
        trouble = Trouble.WRONG_CREDENTIALS if isinstance(why, CREDENTIALS_REFUSED) else Trouble.BAD_ANSWER
        answer.set_exception(PollError(trouble, str(why)))

    def _received(self, data: bytes, _sender: Foreign) -> None:
        if self._transport is None:
            return
        callbacks = self._callbacks
        trouble = self._engine.deliver(self._transport, data, self._address)
        if self._callbacks == callbacks:
            self._heard = trouble or Trouble.TOO_SLOW  # well formed, but no answer to anything that is still asked

    def _network_refused(self, error: OSError) -> None:
        self.close()
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(PollError(Trouble.UNREACHABLE, error.strerror or str(error)))
