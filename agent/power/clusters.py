"""Debian's PostgreSQL clusters of this host: how each was shut down before it started, by its own log."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.collectors.command import CommandError, run_command

COMMAND_SECONDS = 20.0
TAIL_BYTES = 256 * 1024
# PostgreSQL speaks the language of its lc_messages: English, and Chinese as its catalogue zh_CN has it.
CLEAN = re.compile(r"database system was shut down|数据库上次关闭时间为|数据库在恢复中关闭")
CUT = re.compile(
    r"database system was interrupted|database system shutdown was interrupted|was not properly shut down"
    r"|数据库系统中断|数据库系统关闭操作被中断|没有正确的关闭|被中断"
)


@dataclass(frozen=True)
class Cluster:
    """One cluster; ``name`` as Debian writes it: 15/main."""

    name: str
    port: int
    socket_directory: str
    log: Path
    data: Path


def clusters() -> tuple[Cluster, ...]:
    """Return this host's clusters; none where Debian's tools are not installed."""
    try:
        listed = json.loads(run_command(["pg_lsclusters", "--json"], COMMAND_SECONDS))
    except (CommandError, ValueError):
        return ()
    return tuple(
        Cluster(
            name=f"{one['version']}/{one['cluster']}",
            port=int(one["port"]),
            socket_directory=str(one.get("socketdir") or "/var/run/postgresql"),
            log=Path(one.get("logfile") or f"/var/log/postgresql/postgresql-{one['version']}-{one['cluster']}.log"),
            data=Path(one["pgdata"]),
        )
        for one in listed
    )


def shut_down_cleanly(cluster: Cluster) -> tuple[bool | None, str]:
    """Return whether the shutdown before the last start was clean, and the log's line that says so.

    None, and why, when the log does not say it.
    """
    try:
        with cluster.log.open("rb") as file:
            file.seek(max(0, cluster.log.stat().st_size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError as error:
        return None, f"{cluster.log}: {error.strerror or error}"
    for line in _of_last_start(text.splitlines()):
        if CUT.search(line):
            return False, line
        if CLEAN.search(line):
            return True, line
    return None, f"{cluster.log} does not say how it was shut down"


def accepts_connections(cluster: Cluster) -> bool:
    """Whether the cluster takes connections now."""
    try:
        run_command(["pg_isready", "-q", "-h", cluster.socket_directory, "-p", str(cluster.port)], COMMAND_SECONDS)
    except CommandError:
        return False
    return True


def started_at(cluster: Cluster) -> float | None:
    """Return when the running server was started, in Unix seconds (third line of its postmaster.pid)."""
    try:
        return float((cluster.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[2])
    except (OSError, ValueError, IndexError):
        return None


def _of_last_start(lines: list[str]) -> Iterator[str]:
    """Yield the lines of the last start, its first state first: a recovery speaks of the shutdown more than once."""
    last = max((number for number, line in enumerate(lines) if _STARTING.search(line)), default=0)
    yield from lines[last:]


_STARTING = re.compile(r"starting PostgreSQL|正在启动 PostgreSQL")
