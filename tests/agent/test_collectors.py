"""Host metrics: recorded kernel files with known values, and this machine against psutil."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import pytest
from prometheus_client.metrics_core import Metric

from agent.collectors.cpu import CpuCollector, parse_loadavg, parse_stat
from agent.collectors.disk import DiskCollector, parse_diskstats
from agent.collectors.kernel import KernelCollector
from agent.collectors.memory import MemoryCollector, parse_meminfo, parse_pressure, parse_vmstat
from agent.collectors.network import NetworkCollector
from tests.agent.samples import key, samples

DATA = Path(__file__).parent / "data"


def cpu(number: str, mode: str):
    return key("node_cpu_seconds_total", cpu=number, mode=mode)


def disk(name: str, device: str = "vda"):
    return key(f"node_disk_{name}", device=device)


def pressure(text: str) -> Iterable[Metric]:
    return parse_pressure("memory", text)


@pytest.mark.parametrize(
    ("parser", "text", "expected"),
    [
        (
            parse_stat,
            (DATA / "stat").read_text(),
            {
                cpu("0", "user"): 1.0,
                cpu("0", "nice"): 0.1,
                cpu("0", "system"): 0.5,
                cpu("0", "idle"): 25.0,
                cpu("0", "iowait"): 0.2,
                cpu("0", "softirq"): 0.05,
                cpu("0", "steal"): 0.01,
                cpu("2", "user"): 2.0,
                key("node_intr_total"): 123456,
                key("node_context_switches_total"): 7654321,
                key("node_forks_total"): 4242,
                key("node_boot_time_seconds"): 1767225600,
                key("node_procs_running"): 2,
                key("node_procs_blocked"): 1,
            },
        ),
        (parse_loadavg, "0.50 1.25 2.00 3/400 12345\n", {key("node_load1"): 0.5, key("node_load15"): 2.0}),
        (
            parse_meminfo,
            (DATA / "meminfo").read_text(),
            {
                key("node_memory_MemTotal_bytes"): 4028144 * 1024,
                key("node_memory_Active_anon_bytes"): 12000 * 1024,
                key("node_memory_HugePages_Total"): 3,
            },
        ),
        (
            parse_vmstat,
            "nr_free_pages 5\npswpin 1\npswpout 2\npgfault 30\npgmajfault 4\noom_kill 5\noom_kill_x 9\n",
            {key("node_vmstat_pgmajfault"): 4, key("node_vmstat_oom_kill"): 5, key("node_vmstat_pswpout"): 2},
        ),
        (
            pressure,
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg300=0.00 total=500000\n",
            {
                key("node_pressure_memory_waiting_seconds_total"): 2.5,
                key("node_pressure_memory_stalled_seconds_total"): 0.5,
            },
        ),
        (
            parse_diskstats,
            (DATA / "diskstats").read_text(),
            {
                disk("reads_completed_total"): 100,
                disk("read_bytes_total"): 3000 * 512,
                disk("read_time_seconds_total"): 0.4,
                disk("writes_completed_total"): 50,
                disk("written_bytes_total"): 7000 * 512,
                disk("write_time_seconds_total"): 0.8,
                disk("io_now"): 1,
                disk("io_time_seconds_total"): 0.9,
                disk("io_time_weighted_seconds_total"): 1.2,
                disk("io_now", "nvme0n1"): 9,
            },
        ),
    ],
)
def test_recorded_kernel_files_give_known_values(
    parser: Callable[[str], Iterable[Metric]], text: str, expected: dict[object, float]
):
    found = samples(parser(text))
    assert {name: found.get(name) for name in found if name in expected} == pytest.approx(expected)


def test_partitions_and_memory_devices_are_left_out():
    devices = {value for _, labels in samples(parse_diskstats((DATA / "diskstats").read_text())) for _, value in labels}
    assert devices == {"vda", "nvme0n1"}


def test_this_machines_cpu_memory_and_boot_time_agree_with_psutil():
    found = samples([*CpuCollector().collect(), *MemoryCollector().collect()])
    cpus = {dict(labels)["cpu"] for name, labels in found if name == "node_cpu_seconds_total"}
    assert len(cpus) == psutil.cpu_count()
    idle = sum(value for (name, labels), value in found.items() if ("mode", "idle") in labels)
    assert idle == pytest.approx(psutil.cpu_times().idle, rel=0.01, abs=2)
    assert found[key("node_memory_MemTotal_bytes")] == psutil.virtual_memory().total
    assert found[key("node_boot_time_seconds")] == pytest.approx(psutil.boot_time(), abs=1)


def test_this_machines_disks_agree_with_psutil():
    found = samples(DiskCollector().collect())
    for device, before in psutil.disk_io_counters(perdisk=True).items():
        name = key("node_disk_written_bytes_total", device=device)
        if name in found:
            assert found[name] <= before.write_bytes


def test_every_interface_has_counters_and_a_state():
    found = samples(NetworkCollector().collect())
    assert found[key("node_network_receive_bytes_total", device="lo")] > 0
    assert found[key("node_network_up", device="lo")] == 0, "operstate of lo is 'unknown', as node_exporter shows it"
    mtu = int(Path("/sys/class/net/lo/mtu").read_text())
    assert found[key("node_network_mtu_bytes", device="lo")] == mtu


def test_the_system_is_named_as_uname_does():
    found = samples(KernelCollector().collect())
    [labels] = [dict(labels) for name, labels in found if name == "node_uname_info"]
    assert (labels["nodename"], labels["release"]) == (os.uname().nodename, os.uname().release)
    [os_labels] = [dict(labels) for name, labels in found if name == "node_os_info"]
    assert os_labels["id"]
    assert 0 < found[key("node_filefd_allocated")] < found[key("node_filefd_maximum")]
