"""Memory, paging and pressure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, UntypedMetricFamily
from prometheus_client.metrics_core import Metric

VMSTAT = re.compile(r"^(oom_kill|pgpgin|pgpgout|pswpin|pswpout|pgfault|pgmajfault) (\d+)$", re.MULTILINE)
PRESSURE = {
    ("cpu", "some"): ("node_pressure_cpu_waiting_seconds", "processes have waited for CPU time"),
    ("io", "some"): ("node_pressure_io_waiting_seconds", "processes have waited due to IO congestion"),
    ("io", "full"): ("node_pressure_io_stalled_seconds", "no process could make progress due to IO congestion"),
    ("memory", "some"): ("node_pressure_memory_waiting_seconds", "processes have waited for memory"),
    ("memory", "full"): ("node_pressure_memory_stalled_seconds", "no process could make progress for want of memory"),
}


def parse_meminfo(text: str) -> Iterable[Metric]:
    """Turn /proc/meminfo (proc_meminfo(5)) into families: kB become bytes, counts stay counts."""
    for line in text.splitlines():
        key, _, rest = line.partition(":")
        number, _, unit = rest.strip().partition(" ")
        name = key.replace("(", "_").replace(")", "")
        if unit:
            yield GaugeMetricFamily(
                f"node_memory_{name}_bytes", f"Field {key} of /proc/meminfo, in bytes.", int(number) * 1024
            )
        else:
            yield GaugeMetricFamily(f"node_memory_{name}", f"Field {key} of /proc/meminfo.", int(number))


def parse_vmstat(text: str) -> Iterable[Metric]:
    """Turn the paging fields of /proc/vmstat into families."""
    for key, value in VMSTAT.findall(text):
        yield UntypedMetricFamily(f"node_vmstat_{key}", f"Field {key} of /proc/vmstat.", int(value))


def parse_pressure(resource: str, text: str) -> Iterable[Metric]:
    """Turn /proc/pressure/RESOURCE into families; its totals are microseconds."""
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if (resource, kind) in PRESSURE:
            name, meaning = PRESSURE[resource, kind]
            total = int(rest.rpartition("total=")[2])
            help_text = f"Total time in seconds {meaning}, from /proc/pressure/{resource}."
            yield CounterMetricFamily(name, help_text, total / 1_000_000)


@dataclass(frozen=True)
class MemoryCollector:
    """Memory fields, paging counters and, where the kernel has it, pressure stall information."""

    proc: Path = Path("/proc")
    name: str = "memory"
    interval_seconds: float = 0
    timeout_seconds: float = 5

    def collect(self) -> Iterable[Metric]:
        yield from parse_meminfo((self.proc / "meminfo").read_text())
        yield from parse_vmstat((self.proc / "vmstat").read_text())
        for resource in ("cpu", "io", "memory"):
            try:
                text = (self.proc / "pressure" / resource).read_text()
            except OSError:  # built without PSI, or booted with psi=0 (EOPNOTSUPP)
                continue
            yield from parse_pressure(resource, text)
