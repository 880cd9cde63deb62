"""What the system is (name, release), its time, and the kernel's small tables."""

import os
import platform
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

OS_FIELDS = (
    "build_id",
    "id",
    "id_like",
    "image_id",
    "image_version",
    "name",
    "pretty_name",
    "variant",
    "variant_id",
    "version",
    "version_codename",
    "version_id",
)


@dataclass(frozen=True)
class KernelCollector:
    """System name and release, wall clock, file descriptors, connection tracking."""

    root: Path = Path("/")
    name: str = "kernel"
    interval_seconds: float = 0
    timeout_seconds: float = 5

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("node_time_seconds", "System time in seconds since epoch (1970).", time.time())
        yield self._uname()
        yield self._os_release()
        allocated, _, maximum = (self.root / "proc/sys/fs/file-nr").read_text().split()
        help_text = "File descriptors of the whole system, from /proc/sys/fs/file-nr:"
        yield GaugeMetricFamily("node_filefd_allocated", f"{help_text} allocated.", int(allocated))
        yield GaugeMetricFamily("node_filefd_maximum", f"{help_text} maximum.", int(maximum))
        yield from self._conntrack()

    def _uname(self) -> Metric:
        system = os.uname()
        domain = (self.root / "proc/sys/kernel/domainname").read_text().strip()
        labels = {
            "sysname": system.sysname,
            "release": system.release,
            "version": system.version,
            "machine": system.machine,
            "nodename": system.nodename,
            "domainname": domain,
        }
        family = GaugeMetricFamily("node_uname_info", "What uname(2) says, value is always 1.", labels=list(labels))
        family.add_metric(list(labels.values()), 1)
        return family

    def _os_release(self) -> Metric:
        release = {key.lower(): value for key, value in platform.freedesktop_os_release().items()}
        family = GaugeMetricFamily("node_os_info", "What os-release(5) says, value is always 1.", labels=OS_FIELDS)
        family.add_metric([release.get(key, "") for key in OS_FIELDS], 1)
        return family

    def _conntrack(self) -> Iterable[Metric]:
        directory = self.root / "proc/sys/net/netfilter"
        try:
            used = int((directory / "nf_conntrack_count").read_text())
            limit = int((directory / "nf_conntrack_max").read_text())
        except OSError:  # no connection tracking in this kernel or network namespace
            return
        yield GaugeMetricFamily("node_nf_conntrack_entries", "Connections being tracked.", used)
        yield GaugeMetricFamily("node_nf_conntrack_entries_limit", "Most connections that can be tracked.", limit)
