"""What polling gives: a reading or a named trouble, never an old value under a new date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

Value = int | bytes | str
"""What a device answers: a number (all integer types), octets, or a dotted OID or address as text."""

Reading = TypeVar("Reading")


class Trouble(StrEnum):
    """Why there is no current reading; the console explains each."""

    UNREACHABLE = "unreachable"  # no answer within the time-out; with SNMPv2c also a wrong community
    WRONG_CREDENTIALS = "wrong_credentials"  # SNMPv3 says so
    BAD_ANSWER = "bad_answer"  # truncated or malformed
    TOO_SLOW = "too_slow"  # answers, but not within one poll interval
    UNKNOWN_DEVICE = "unknown_device"  # answers, but no profile knows it
    NO_DATA = "no_data"  # upsd: the driver is not connected, or its data are stale
    NOT_STARTED = "not_started"  # not asked yet


@dataclass(frozen=True)
class Standing(Generic[Reading]):
    """How one polled device stands.  ``reading`` is None whenever the last poll failed: nothing stale is ever shown.

    Times are Unix seconds.  ``failing_since`` is the first failure in an unbroken row, ``detail`` the last error's
    own words, without secrets.
    """

    name: str
    kind: str
    source: str  # snmp | nut | probe
    reading: Reading | None = None
    read_at: float | None = None
    trouble: Trouble | None = Trouble.NOT_STARTED
    detail: str = ""
    failing_since: float | None = None


class PollError(Exception):
    """A device could not be asked (SNMP, NUT, a probe): ``trouble`` says why, ``detail`` in the library's words."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        self.trouble = trouble
        self.detail = detail
        super().__init__(f"{trouble}: {detail}")


class Snmp(Protocol):
    """One device to ask.  OIDs are dotted numbers without a leading dot.  Both raise ``PollError``."""

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Return the values that exist; a missing object is missing in the answer.  Any number of OIDs."""
        ...

    async def walk(self, root: str) -> dict[str, Value]:
        """Return everything below ``root``, in order of the OIDs; bounded (``PollError`` beyond it)."""
        ...


Answers = Mapping[str, Value]
