"""SNMP's values and names as plain Python ones, and back."""

from functools import lru_cache
from typing import Any

from pyasn1.type.univ import Integer, Null, ObjectIdentifier, OctetString
from pysnmp.proto import rfc1155
from pysnmp.proto.rfc1902 import Counter32, Counter64, Gauge32, IpAddress, ObjectName, TimeTicks, Unsigned32

from agent.polling import Value

Oid = tuple[int, ...]

Foreign = Any
"""An object of pysnmp, which has no types."""


UNSIGNED = {
    **dict.fromkeys((Counter32, Gauge32, TimeTicks, Unsigned32, rfc1155.Counter, rfc1155.Gauge, rfc1155.TimeTicks), 32),
    Counter64: 64,
}
"""Type → bits.  Careless agents leave out the zero octet before a set first bit (X.690 section 8.3.3), so that a count
above 2³¹ or 248 days of uptime come as a negative number; pysnmp would then refuse the device's whole answer."""


def accept_negative(kind: type[Integer], bits: int) -> None:
    """Have pysnmp take a negative number of an unsigned type as what its octets mean, as net-snmp does."""

    def meant(self: Integer, value: Foreign) -> int:
        number: int = Integer.prettyIn(self, value)
        return number + (1 << bits) if -(1 << bits - 1) <= number < 0 else number

    kind.prettyIn = meant


for _kind, _bits in UNSIGNED.items():
    accept_negative(_kind, _bits)


@lru_cache(maxsize=8192)
def object_name(oid: str) -> ObjectName:
    """Return pysnmp's form of a dotted OID: the same ones are asked for at every poll."""
    return ObjectName(oid)


def dotted(oid: Oid) -> str:
    """Return an OID as text."""
    return ".".join(map(str, oid))


def plain(value: Foreign) -> Value | None:
    """Return a number, octets, or an OID or address as text; None for "no such object" and NULL.

    Raises ValueError for a type that SNMP does not have.
    """
    if isinstance(value, Null):  # also noSuchObject, noSuchInstance and endOfMibView
        return None
    if isinstance(value, Integer):
        return int(value)
    if isinstance(value, IpAddress | rfc1155.IpAddress):
        return ".".join(map(str, value.asNumbers()))
    if isinstance(value, OctetString):
        return bytes(value)
    if isinstance(value, ObjectIdentifier):
        return dotted(tuple(value))
    raise ValueError(f"a value of type {type(value).__name__}")
