"""Network interfaces: counters and link state by psutil, names and addresses by sysfs."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

COUNTERS = (
    ("bytes_recv", "node_network_receive_bytes", "Bytes received"),
    ("packets_recv", "node_network_receive_packets", "Packets received"),
    ("errin", "node_network_receive_errs", "Receive errors"),
    ("dropin", "node_network_receive_drop", "Received packets dropped"),
    ("bytes_sent", "node_network_transmit_bytes", "Bytes sent"),
    ("packets_sent", "node_network_transmit_packets", "Packets sent"),
    ("errout", "node_network_transmit_errs", "Transmit errors"),
    ("dropout", "node_network_transmit_drop", "Packets to send dropped"),
)
INFO = ("address", "broadcast", "duplex", "ifalias", "operstate")
BYTES_PER_SECOND_AND_MEGABIT = 125_000


def _property(directory: Path, name: str) -> str:
    try:
        return (directory / name).read_text().strip()
    except OSError:  # duplex of a link that is down is EINVAL; the device may be gone by now
        return ""


@dataclass(frozen=True)
class NetworkCollector:
    """Bytes, packets, errors and drops, link state, speed and MTU of every interface."""

    sys: Path = Path("/sys")
    name: str = "network"
    interval_seconds: float = 0
    timeout_seconds: float = 5

    def collect(self) -> Iterable[Metric]:
        counters = psutil.net_io_counters(pernic=True, nowrap=False)
        for attribute, name, meaning in COUNTERS:
            family = CounterMetricFamily(name, f"{meaning}, from /proc/net/dev.", labels=["device"])
            for device, values in counters.items():
                family.add_metric([device], getattr(values, attribute))
            yield family
        yield from self._links()

    def _links(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("node_network_up", "1 if operstate is 'up', 0 otherwise.", labels=["device"])
        speed = GaugeMetricFamily("node_network_speed_bytes", "Speed of the link, where known.", labels=["device"])
        mtu = GaugeMetricFamily("node_network_mtu_bytes", "Largest packet of the interface.", labels=["device"])
        info = GaugeMetricFamily(
            "node_network_info", "What /sys/class/net says, value is always 1.", labels=["device", *INFO]
        )
        for device, stats in psutil.net_if_stats().items():
            directory = self.sys / "class/net" / device
            properties = [_property(directory, name) for name in INFO]
            up.add_metric([device], properties[-1] == "up")
            mtu.add_metric([device], stats.mtu)
            info.add_metric([device, *properties], 1)
            if stats.speed > 0:
                speed.add_metric([device], stats.speed * BYTES_PER_SECOND_AND_MEGABIT)
        return up, speed, mtu, info
