"""What an agent answers: metric pages of an invented host, in node_exporter's names, moving with the time of day."""

import math
from dataclasses import dataclass, field
from datetime import datetime

GIB = 1024**3
MIB = 1024**2
ENDS = "xinglin_certificate_not_after_timestamp_seconds"
UP = 9 * 86400.0  # seconds since the machines booted


@dataclass(frozen=True)
class Machine:
    """An invented host.  ``busy`` 0..1 says how much the working day shows in its numbers."""

    name: str
    system: str = "Debian GNU/Linux 13 (trixie)"
    kernel: str = "6.12.57+deb13-amd64"
    cores: int = 4
    memory: float = 8 * GIB
    disks: dict[str, tuple[float, float]] = field(default_factory=lambda: {"/": (64 * GIB, 0.31)})  # size, used ratio
    busy: float = 0.3
    failed_units: tuple[str, ...] = ()
    clock_offset: float = 0.0004
    progress: tuple[str, str, float, float] | None = None  # of a backup that runs: policy, step, ratio, bytes


def activity(moment: datetime, busy: float) -> float:
    """Return how much the clinic does at this moment, 0..1: two consulting peaks on a working day, calm nights."""
    hour = (moment.timestamp() / 3600 + 8) % 24  # China has one time zone and no summer time
    day = int((moment.timestamp() + 8 * 3600) // 86400)
    weekday = (day + 3) % 7
    peaks = math.exp(-((hour - 9.6) ** 2) / 3.2) + 0.8 * math.exp(-((hour - 15.2) ** 2) / 3.6)
    ripple = 0.06 * math.sin(moment.timestamp() / 431) + 0.04 * math.sin(moment.timestamp() / 97)
    backup = 0.35 * math.exp(-((hour - 2.1) ** 2) / 0.02)
    return min(1.0, max(0.02, busy * (0.12 + peaks * (1 if weekday < 5 else 0.25)) + ripple * busy + backup * 0.8))


def cpu(machine: Machine, moment: datetime) -> float:
    """Return the used share of the processors."""
    return min(0.97, 0.02 + 0.8 * activity(moment, machine.busy))


def page(machine: Machine, moment: datetime, seconds_before: float, even: datetime | None = None) -> bytes:
    """Return the page of ``/metrics`` at ``moment``.

    Counters are those of a host that has always run evenly at the rate of ``even`` (default: of ``moment``), for
    ``UP + seconds_before`` seconds.
    """
    used = cpu(machine, even or moment)
    now = moment.timestamp()
    work = activity(even or moment, machine.busy)
    base = UP + seconds_before
    lines = [
        'xinglin_agent_build_info{version="0.1.0"} 1',
        f'node_os_info{{pretty_name="{machine.system}"}} 1',
        f'node_uname_info{{release="{machine.kernel}"}} 1',
        f"node_time_seconds {now}",
        f"node_boot_time_seconds {1795_000_000}",
        f"node_load1 {machine.cores * used * 0.9:.2f}",
        f"node_load5 {machine.cores * used * 0.85:.2f}",
        f"node_load15 {machine.cores * used * 0.8:.2f}",
        f"node_memory_MemTotal_bytes {machine.memory:.0f}",
        f"node_memory_MemAvailable_bytes {machine.memory * (0.72 - 0.35 * work):.0f}",
        f"node_memory_SwapTotal_bytes {2 * GIB}",
        f"node_memory_SwapFree_bytes {2 * GIB - 96 * MIB * work:.0f}",
        f"node_timex_offset_seconds {machine.clock_offset}",
        "node_timex_sync_status 1",
        f'node_network_receive_bytes_total{{device="eth0"}} {base * 2.4e6 * work:.0f}',
        f'node_network_transmit_bytes_total{{device="eth0"}} {base * 3.6e6 * work:.0f}',
        f'node_disk_read_bytes_total{{device="vda"}} {base * 0.9e6 * work:.0f}',
        f'node_disk_written_bytes_total{{device="vda"}} {base * 1.7e6 * work:.0f}',
        f'{ENDS}{{path="/etc/xinglin/pki/host.crt",subject="CN={machine.name}"}} {now + 321 * 86400:.0f}',
        f'{ENDS}{{path="/etc/xinglin/pki/ca.crt",subject="CN=清河镇卫生院 CA"}} {now + 3000 * 86400:.0f}',
        'xinglin_collector_success{collector="host"} 1',
        'node_systemd_unit_state{name="ssh.service",state="active"} 1',
    ]
    for core in range(machine.cores):
        lines.append(f'node_cpu_seconds_total{{cpu="{core}",mode="user"}} {base * used:.3f}')
        lines.append(f'node_cpu_seconds_total{{cpu="{core}",mode="idle"}} {base * (1 - used):.3f}')
    for mountpoint, (size, ratio) in machine.disks.items():
        labels = f'{{device="/dev/vda",fstype="ext4",mountpoint="{mountpoint}"}}'
        lines.append(f"node_filesystem_size_bytes{labels} {size:.0f}")
        lines.append(f"node_filesystem_avail_bytes{labels} {size * (1 - ratio):.0f}")
        lines.append(f"node_filesystem_readonly{labels} 0")
    if machine.progress is not None:
        policy, step, ratio, done = machine.progress
        labels = f'{{policy="{policy}",step="{step}"}}'
        lines.append(f"xinglin_backup_progress_ratio{labels} {ratio}")
        lines.append(f"xinglin_backup_progress_bytes{labels} {done:.0f}")
        lines.append(f"xinglin_backup_progress_timestamp_seconds{labels} {now}")
    lines += [f'node_systemd_unit_state{{name="{unit}",state="failed"}} 1' for unit in machine.failed_units]
    return ("\n".join(lines) + "\n").encode()
