"""Zones, the services with their ports, and the flows allowed between zones, groups and hosts."""

import datetime as dt

from pydantic import Field

from inventory.schema.base import LABEL_ZH, SLUG, Address, Model, Network, Port, Slug, Text


class Zone(Model):
    """A security zone (安全区域): one network and its gateway."""

    name: Slug = Field(description=SLUG)
    name_zh: Text = Field(description=LABEL_ZH)
    cidr: Network = Field(description="an IPv4 network with its length, as 192.168.10.0/24, overlapping no other zone")
    gateway: Address = Field(description="the zone's gateway: an IPv4 address inside its network")


class Service(Model):
    """The ports of a service."""

    tcp: tuple[Port, ...] = Field(default=(), description="a list of TCP ports, 1 to 65535")
    udp: tuple[Port, ...] = Field(default=(), description="a list of UDP ports, 1 to 65535")


# What Xinglin's own roles listen on; facility.yml uses these names and may not redefine them.
BUILTIN_SERVICES = {
    "ssh": Service(tcp=(22,)),
    "agent": Service(tcp=(9633,)),
    "console": Service(tcp=(8443,)),
    "repository": Service(tcp=(8000,)),
    "apt-cache": Service(tcp=(3142,)),
    "ntp": Service(udp=(123,)),
    "nut": Service(tcp=(3493,)),
    "snmp": Service(udp=(161,)),
    "snmp-trap": Service(udp=(162,)),
}


class Flow(Model):
    """One allowed direction: who may start a connection to whom, for which service, and why.

    A name means the host, else the group, else the zone of that name: the narrower one wins.
    """

    from_: Slug = Field(alias="from", description="a host, a group that has hosts, a zone or `all`")
    to: Slug = Field(description="a host, a group that has hosts, a zone or `all`")
    service: Slug = Field(description="a built-in service or one declared under services")
    why: Text = Field(description="the reason, in a few words, for the auditor")
    owner: Text = Field(description="who answers for this flow, as 信息科")
    review_by: dt.date = Field(description="the date of the next review, as 2027-06-30")
