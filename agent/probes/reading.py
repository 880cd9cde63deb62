"""What a probe gives."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProbeReading:
    """The device answered.  ``method`` is ``icmp`` or ``tcp``; the duration is that of the answer, not of the poll."""

    method: str
    duration_seconds: float
