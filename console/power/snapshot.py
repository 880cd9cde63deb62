"""The newest of a UPS and of a device as the store keeps it.  None and empty mean "not known", never zero."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class UpsSnapshot:
    """One UPS as one source tells it.  Ratios are 0 to 1; times are Unix seconds.

    Whenever ``up`` is False there is no reading: only the trouble, and since when.
    """

    up: bool
    trouble: str | None = None  # agent.polling.Trouble
    failing_since: float | None = None
    read_at: float | None = None
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    mib: str = ""
    flags: tuple[str, ...] = ()  # agent.ups.reading.Flag
    charge_ratio: float | None = None
    runtime_seconds: float | None = None
    on_battery_seconds: float | None = None
    load_ratio: float | None = None
    battery_volts: float | None = None
    battery_celsius: float | None = None
    battery_replaced: float | None = None
    input_volts: tuple[float, ...] = ()
    output_volts: tuple[float, ...] = ()
    input_hertz: float | None = None
    output_hertz: float | None = None
    test: str | None = None  # agent.ups.reading.TestResult
    alarms: tuple[str, ...] = ()
    disagreements: tuple[str, ...] = ()  # quantities on which SNMP and NUT differ

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``UpsLatest.snapshot`` keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "UpsSnapshot":
        """Read what ``to_json`` wrote."""
        values = dict(document)
        for name in ("flags", "input_volts", "output_volts", "alarms", "disagreements"):
            values[name] = tuple(values[name])
        return cls(**values)


@dataclass(frozen=True)
class Interface:
    """A network interface; ``up``: enabled and carrying.  Rates are bytes in a second, None before two readings."""

    name: str
    alias: str
    enabled: bool
    up: bool
    receive_rate: float | None
    transmit_rate: float | None
    errors: float | None  # since the counters began, both directions
    speed: float | None  # bytes in a second


@dataclass(frozen=True)
class Measured:
    """One sensor's value; ``quantity`` is the unit: celsius, ratio (humidity), volts, …"""

    sensor: str
    quantity: str
    value: float


@dataclass(frozen=True)
class Storage:
    """A storage area of the device, in bytes."""

    name: str
    used: float
    size: float


@dataclass(frozen=True)
class DeviceSnapshot:
    """One device.  Whenever ``up`` is False there is no reading: only the trouble, and since when."""

    up: bool
    kind: str
    source: str  # snmp | probe
    trouble: str | None = None
    failing_since: float | None = None
    vendor: str = ""
    model: str = ""
    name: str = ""  # what the device calls itself
    location: str = ""
    software: str = ""
    uptime_seconds: float | None = None
    cpu_used_ratio: float | None = None
    memory_used_ratio: float | None = None
    answer_seconds: float | None = None  # how long a probe or a poll took
    storages: tuple[Storage, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    sensors: tuple[Measured, ...] = ()
    open_contacts: tuple[str, ...] = ()
    closed_contacts: tuple[str, ...] = ()
    supplies: tuple[Measured, ...] = ()
    alerts: tuple[str, ...] = ()  # a printer's own

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``DeviceLatest.snapshot`` keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "DeviceSnapshot":
        """Read what ``to_json`` wrote."""
        values = dict(document)
        values["storages"] = tuple(Storage(**item) for item in values["storages"])
        values["interfaces"] = tuple(Interface(**item) for item in values["interfaces"])
        for name in ("sensors", "supplies"):
            values[name] = tuple(Measured(**item) for item in values[name])
        for name in ("open_contacts", "closed_contacts", "alerts"):
            values[name] = tuple(values[name])
        return cls(**values)
