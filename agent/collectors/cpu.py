"""Processor time, load and scheduler counters."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
COUNTERS = {
    "ctxt": ("node_context_switches", "Total number of context switches, from /proc/stat."),
    "intr": ("node_intr", "Total number of interrupts serviced, from /proc/stat."),
    "processes": ("node_forks", "Total number of forks, from /proc/stat."),
}
GAUGES = {
    "btime": ("node_boot_time_seconds", "Node boot time, in unixtime, from /proc/stat."),
    "procs_running": ("node_procs_running", "Number of processes in runnable state, from /proc/stat."),
    "procs_blocked": ("node_procs_blocked", "Number of processes blocked waiting for I/O, from /proc/stat."),
}


def parse_stat(text: str) -> Iterable[Metric]:
    """Turn /proc/stat (proc_stat(5)) into families."""
    cpu = CounterMetricFamily(
        "node_cpu_seconds", "Seconds the CPUs spent in each mode, from /proc/stat.", labels=["cpu", "mode"]
    )
    for line in text.splitlines():
        key, _, rest = line.partition(" ")
        if key.startswith("cpu") and key != "cpu":
            for mode, ticks in zip(MODES, rest.split(), strict=False):
                cpu.add_metric([key[3:], mode], int(ticks) / TICKS_PER_SECOND)
        elif key in COUNTERS:
            yield CounterMetricFamily(*COUNTERS[key], value=int(rest.split(" ", 1)[0]))
        elif key in GAUGES:
            yield GaugeMetricFamily(*GAUGES[key], value=int(rest))
    yield cpu


def parse_loadavg(text: str) -> Iterable[Metric]:
    """Turn /proc/loadavg into families."""
    for minutes, value in zip(("1", "5", "15"), text.split(), strict=False):
        yield GaugeMetricFamily(f"node_load{minutes}", f"{minutes}m load average, from /proc/loadavg.", float(value))


@dataclass(frozen=True)
class CpuCollector:
    """CPU seconds by mode, load, context switches, forks, processes, boot time."""

    proc: Path = Path("/proc")
    name: str = "cpu"
    interval_seconds: float = 0
    timeout_seconds: float = 5

    def collect(self) -> Iterable[Metric]:
        yield from parse_stat((self.proc / "stat").read_text())
        yield from parse_loadavg((self.proc / "loadavg").read_text())
