"""Asks one device whether it is there."""

from dataclasses import dataclass

from agent.polling import PollError, Trouble
from agent.probes.icmp import echo
from agent.probes.reading import ProbeReading
from agent.probes.tcp import connect

ECHOES = 4
ECHO_GAP_SECONDS = 1.0
TIMEOUT_SECONDS = 4.0
ATTEMPTS = 2
"""Connections tried: the kernel sends a lost first packet again by itself, but a busy device may refuse once."""


@dataclass(frozen=True)
class Prober:
    """A device's address, and the TCP port to try; without one it is asked by ICMP echo."""

    address: str
    tcp: int | None = None
    timeout_seconds: float = TIMEOUT_SECONDS

    async def poll(self) -> ProbeReading:
        """Return that the device answered and how quickly.  Raises PollError with UNREACHABLE."""
        if self.tcp is None:
            took = await echo(
                self.address, echoes=ECHOES, gap_seconds=ECHO_GAP_SECONDS, timeout_seconds=self.timeout_seconds
            )
            return ProbeReading("icmp", took)
        return ProbeReading("tcp", await self._connect(self.tcp))

    async def _connect(self, port: int) -> float:
        failure = PollError(Trouble.UNREACHABLE, "")
        for _ in range(ATTEMPTS):
            try:
                return await connect(self.address, port, timeout_seconds=self.timeout_seconds / ATTEMPTS)
            except PollError as error:
                failure = error
        raise failure
