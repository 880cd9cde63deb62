"""What the facility says of its UPSes and devices: the sections ``power`` and ``devices`` of ``console.json``."""

from dataclasses import dataclass

from console.configcheck import Reader

DAY_SECONDS = 86400


@dataclass(frozen=True)
class Ups:
    """A UPS: the host that runs its upsd, and the hosts that hang on it."""

    name: str
    name_zh: str
    connected_to: str
    powers: tuple[str, ...]
    driver: str  # usb | snmp | dummy


@dataclass(frozen=True)
class Stage:
    """Hosts that go down together.

    It begins when the battery's runtime falls below ``below_seconds``, and takes at most ``takes_seconds``.
    """

    name: str
    name_zh: str
    hosts: tuple[str, ...]
    below_seconds: float
    takes_seconds: float


@dataclass(frozen=True)
class PowerPlan:
    """The UPSes, and the order in which the hosts go down when their batteries run out."""

    ups: tuple[Ups, ...] = ()
    stages: tuple[Stage, ...] = ()

    def stages_of(self, ups: Ups) -> tuple[Stage, ...]:
        """Return the stages that concern a UPS, each with the hosts that this UPS feeds."""
        found = []
        for stage in self.stages:
            hosts = tuple(host for host in stage.hosts if host in ups.powers)
            if hosts:
                found.append(Stage(stage.name, stage.name_zh, hosts, stage.below_seconds, stage.takes_seconds))
        return tuple(found)


NO_POWER = PowerPlan()


@dataclass(frozen=True)
class Device:
    """A device that can run no agent: polled by SNMP or probed."""

    name: str
    name_zh: str
    kind: str
    zone: str
    address: str


def read_power(reader: Reader) -> PowerPlan:
    """Return the section ``power``; an absent one is empty."""
    if not reader.has("power"):
        return NO_POWER
    power = reader.section("power")
    return PowerPlan(
        ups=tuple(
            Ups(
                name=item.text("name"),
                name_zh=item.text("name_zh", item.text("name")),
                connected_to=item.text("connected_to"),
                powers=item.texts("powers"),
                driver=item.text("driver"),
            )
            for item in power.items("ups")
        ),
        stages=tuple(
            Stage(
                name=item.text("name"),
                name_zh=item.text("name_zh", item.text("name")),
                hosts=item.texts("hosts"),
                below_seconds=item.number("below_seconds", 0, DAY_SECONDS),
                takes_seconds=item.number("takes_seconds", 0, DAY_SECONDS),
            )
            for item in power.items("shutdown_stages")
        ),
    )


def read_devices(reader: Reader) -> tuple[Device, ...]:
    """Return the section ``devices``."""
    return tuple(
        Device(
            name=item.text("name"),
            name_zh=item.text("name_zh", item.text("name")),
            kind=item.text("kind"),
            zone=item.text("zone", ""),
            address=item.text("address"),
        )
        for item in reader.items("devices")
    )
