"""How far this host's clock is from true time.

chrony keeps the offset to itself and leaves the kernel's at 0, so chronyd is asked first; the kernel
(adjtimex(2)) answers on a host with another time daemon.  Either way the names are node_exporter's.
"""

import ctypes
import os
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from agent.collectors.command import CommandError, run_command

TRACKING = ("chronyc", "-h", "127.0.0.1", "-c", "-n", "tracking")
MAX_DISPERSION_SECONDS = 16.0
"""The error of a clock that nobody disciplines (RFC 5905, MAXDISP)."""

LOCAL_REFERENCE = "7F7F01"
NOT_SYNCHRONISED = "Not synchronised"
TIME_ERROR = 5
STA_UNSYNC = 0x0040
STA_NANO = 0x2000


@dataclass(frozen=True)
class Clock:
    """A clock's state; a positive offset means that it is slow.  ``stratum`` is None where unknown.

    ``reference`` is an address, a reference id, or ``local`` for chrony's own clock (directive ``local``).
    """

    source: str
    reference: str
    synchronised: bool
    offset_seconds: float
    max_error_seconds: float
    stratum: int | None


def parse_tracking(text: str) -> Clock:
    """Parse one line of ``chronyc -c tracking`` (chronyc(1)); raises ValueError for anything else."""
    fields = text.strip().split(",")
    if len(fields) != 14:
        raise ValueError(f"chronyc answered with {len(fields)} fields, not 14")
    synchronised = fields[13] != NOT_SYNCHRONISED
    error = abs(float(fields[4])) + float(fields[11]) + float(fields[10]) / 2
    return Clock(
        source="chrony",
        reference=fields[1] or ("local" if fields[0].startswith(LOCAL_REFERENCE) else fields[0]),
        synchronised=synchronised,
        offset_seconds=float(fields[4]),
        max_error_seconds=error if synchronised else MAX_DISPERSION_SECONDS,
        stratum=int(fields[2]),
    )


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def read_kernel_clock() -> Clock:
    """Ask the kernel, changing nothing (modes 0); raises OSError where a filter forbids the call."""
    libc = ctypes.CDLL(None, use_errno=True)
    timex = _Timex()
    state = libc.adjtimex(ctypes.byref(timex))
    if state < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"adjtimex: {os.strerror(number)}")
    return Clock(
        source="kernel",
        reference="",
        synchronised=state != TIME_ERROR and not timex.status & STA_UNSYNC,
        offset_seconds=timex.offset / (1e9 if timex.status & STA_NANO else 1e6),
        max_error_seconds=timex.maxerror / 1e6,
        stratum=None,
    )


@dataclass(frozen=True)
class ClockCollector:
    """Offset, largest error, synchronisation and stratum of the clock."""

    command: tuple[str, ...] = TRACKING
    name: str = "clock"
    interval_seconds: float = 30
    timeout_seconds: float = 10

    def collect(self) -> Iterable[Metric]:
        try:
            clock = parse_tracking(run_command(self.command, self.timeout_seconds / 2))
        except CommandError as chrony:
            try:
                clock = read_kernel_clock()
            except OSError as kernel:
                raise CommandError(f"{chrony}; {kernel}") from kernel
        return list(families(clock))


def families(clock: Clock) -> Iterable[Metric]:
    """Return the clock's families."""
    yield GaugeMetricFamily(
        "node_timex_sync_status",
        "Is clock synchronized to a reliable server (1 = yes, 0 = no), from chronyd or adjtimex(2).",
        clock.synchronised,
    )
    yield GaugeMetricFamily(
        "node_timex_offset_seconds",
        "Time offset in between local system and reference clock, positive when slow, from chronyd or adjtimex(2).",
        clock.offset_seconds,
    )
    yield GaugeMetricFamily(
        "node_timex_maxerror_seconds", "Maximum error in seconds, from chronyd or adjtimex(2).", clock.max_error_seconds
    )
    if clock.stratum is not None:
        yield GaugeMetricFamily("node_ntp_stratum", "NTPD stratum, from chronyd.", clock.stratum)
    info = GaugeMetricFamily(
        "xinglin_clock_info", "Who keeps the clock, and by which reference.", labels=["source", "reference"]
    )
    info.add_metric([clock.source, clock.reference], 1)
    yield info
