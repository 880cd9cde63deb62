"""SNMP's values and names as plain Python ones, and back."""

from functools import lru_cache
from typing import Any

from pyasn1.type.univ import Integer, Null, ObjectIdentifier, OctetString
from pysnmp.proto.rfc1155 import IpAddress as V1IpAddress
from pysnmp.proto.rfc1902 import IpAddress, ObjectName

from agent.polling import Value

Oid = tuple[int, ...]

Foreign = Any
"""An object of pysnmp, which has no types."""


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
    if isinstance(value, IpAddress | V1IpAddress):
        return ".".join(map(str, value.asNumbers()))
    if isinstance(value, OctetString):
        return bytes(value)
    if isinstance(value, ObjectIdentifier):
        return dotted(tuple(value))
    raise ValueError(f"a value of type {type(value).__name__}")
