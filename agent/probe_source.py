"""All devices of the configuration of which only the answer counts."""

from collections.abc import Callable, Sequence

from agent.polled import ProbeTarget
from agent.probes.prober import Prober
from agent.snmp.schedule import Watch


class ProbeSource:
    """Implements ``agent.snmp.poller.Source``."""

    def __init__(self, targets: Sequence[ProbeTarget], interval_seconds: float) -> None:
        self._targets = targets
        self._interval_seconds = interval_seconds

    async def open(self, hurry: Callable[[str], None]) -> Sequence[Watch]:  # noqa: ARG002 - a probe hurries nobody
        """See ``Source``."""
        return [
            Watch(each.name, each.kind, "probe", self._interval_seconds, Prober(each.address, each.tcp).poll)
            for each in self._targets
        ]

    def close(self) -> None:
        """See ``Source``: a probe holds nothing between two polls."""
