"""The way down when the mains is away, and what must answer when it is back."""

from pydantic import Field

from inventory.schema.base import FED, HOST, LABEL_ZH, SLUG, Count, HostName, Model, Port, Slug, Text


class ShutdownStage(Model):
    """Hosts that are shut down together; the stages follow each other in the order of the list."""

    name: Slug = Field(description=SLUG)
    name_zh: Text = Field(description=LABEL_ZH)
    hosts: tuple[HostName, ...] = Field(min_length=1, description=FED)
    below_seconds: Count = Field(
        description="the battery lasts for less: the stage begins; seconds, more than all takes_seconds from here on"
    )
    takes_seconds: Count = Field(description="seconds that the slowest of its hosts needs to shut down")


class ReturnCheck(Model):
    """A service that must answer on TCP after the power is back."""

    name: Slug = Field(description=SLUG)
    name_zh: Text = Field(description=LABEL_ZH)
    host: HostName = Field(description=HOST)
    tcp: Port = Field(description="a TCP port, 1 to 65535; a flow lets the UPS's host reach it")
