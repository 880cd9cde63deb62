"""The worker's process: one scheduler, guarded by a lock, with its jobs declared here."""

import fcntl
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.orm import Session, sessionmaker

from console.alerts.watching import open_watch
from console.audit.log import AuditLog
from console.audit.seal import STARTED
from console.boot import boot_id
from console.config import ConsoleConfig, ManagedHost
from console.notify import notify
from console.worker.facts import FactsRound
from console.worker.fetch import Fetcher, client_context
from console.worker.keeping import Keeper
from console.worker.listening import Ears, Event, keep_events
from console.worker.round import Round
from console.worker.slots import Slots
from console.worker.spool import ingest_spool

logger = logging.getLogger(__name__)

MINUTE, HOUR, DAY = 60, 3600, 86400


class AlreadyRunningError(Exception):
    """Another worker holds the lock of this console."""


@dataclass(frozen=True)
class Job:
    """A job: look every ``every_seconds`` whether the slot of this ``period_seconds`` is still to be done.

    Looking more often than the period makes a missed or failed slot heal by itself.
    """

    name: str
    every_seconds: int
    period_seconds: int
    body: Callable[[], None]


@contextmanager
def only_worker(lock: Path) -> Iterator[None]:
    """Hold the lock that lets one worker run.  Raises ``AlreadyRunningError``."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise AlreadyRunningError(
                f"{lock}: another worker is running (process {holder}). "
                "Next: leave it running, or stop it first: systemctl stop xinglin-worker"
            ) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def run_worker(config: ConsoleConfig, sessions: sessionmaker[Session], audit: AuditLog, stop: threading.Event) -> None:
    """Work until ``stop`` is set, then finish the items at hand and return.

    Raises ``AlreadyRunningError``, and ``OSError`` when the console's certificate cannot be loaded.
    """
    if config.tls is None:
        raise FileNotFoundError(
            "no certificate for the worker: neither 'tls' in the configuration nor CREDENTIALS_DIRECTORY is set. "
            "Next: start it by systemd (systemctl start xinglin-worker)"
        )
    with only_worker(config.state_directory / "worker.lock"):
        fetcher = Fetcher(client_context(config.tls))
        started_at = datetime.now(UTC)
        audit.append(actor="system", action=STARTED, target="worker", detail={"boot_id": boot_id(), "pid": os.getpid()})
        watch = open_watch(config, sessions, audit.now)
        scrapes = Round(config, fetcher, sessions, watch.alerts.take)
        facts = FactsRound(config, fetcher, sessions)
        keeper = Keeper(sessions, audit, config.appliance)

        def scrape() -> None:
            if scrapes.run():
                watch.alerts.judge_problems(audit.now())
            keeper.beat(os.getpid(), started_at)

        def happened(host: ManagedHost, events: Sequence[Event]) -> None:
            try:
                keep_events(sessions, host.name, events)  # first: the scrape would tell the same, a moment later
            finally:
                scrapes.scrape_now(host)

        def take_in_facts() -> None:
            facts.run()
            watch.alerts.judge_problems(audit.now())

        def judge_problems() -> None:
            watch.alerts.judge_problems(audit.now())

        def take_in_runs() -> None:
            ingest_spool(sessions, config.run_spool, audit.now())

        ears = Ears(config.hosts, fetcher, happened)
        jobs = (
            Job("facts", MINUTE, MINUTE, take_in_facts),
            Job("problems", MINUTE, MINUTE, judge_problems),
            Job("runs", 10, 10, take_in_runs),
            Job("roll-up", 10 * MINUTE, HOUR, keeper.roll_up),
            Job("clean", HOUR, DAY, keeper.clean),
            Job("audit-seal", 10 * MINUTE, DAY, keeper.seal),
            Job("audit-head", MINUTE, MINUTE, keeper.note_head),
        )
        scheduler = build_scheduler(
            jobs, Slots(sessions, audit.now, started_at), scrape, config.scrape_interval_seconds
        )
        watch.senders.start()
        scheduler.start()
        ears.start()
        logger.info("worker started: %d hosts every %d s", len(config.hosts), config.scrape_interval_seconds)
        notify("READY=1")
        stop.wait()
        notify("STOPPING=1")
        ears.close()
        scheduler.shutdown(wait=True)
        scrapes.close()
        facts.close()
        watch.senders.close()
        logger.info("worker ended")


def build_scheduler(
    jobs: tuple[Job, ...], slots: Slots, scrape: Callable[[], None], interval_seconds: int
) -> BackgroundScheduler:
    """Return the scheduler with every job, not started.  The job store is memory: the jobs are these, in code."""
    scheduler = BackgroundScheduler(
        jobstores={"default": MemoryJobStore()},
        executors={"default": ThreadPoolExecutor(len(jobs) + 1)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=UTC,
    )
    scheduler.add_listener(_complain, EVENT_JOB_MISSED | EVENT_JOB_ERROR)
    now = datetime.now(UTC)
    # A scrape claims no slot: its rows are replaced, not added, and it would make 5760 slots a day.
    scheduler.add_job(
        scrape,
        "interval",
        seconds=interval_seconds,
        id="scrape",
        next_run_time=now,
        misfire_grace_time=interval_seconds,
    )
    for job in jobs:
        scheduler.add_job(
            slots.run,
            "interval",
            seconds=job.every_seconds,
            id=job.name,
            next_run_time=now,
            args=(job.name, job.period_seconds, job.body),
        )
    return scheduler


def _complain(event: JobExecutionEvent) -> None:
    if event.code == EVENT_JOB_MISSED:
        logger.warning("job %s missed its time %s", event.job_id, event.scheduled_run_time)
    else:
        logger.error("job %s failed: %r", event.job_id, event.exception)


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        # From another thread: the very wait that the signal interrupted may hold the event's lock.
        threading.Thread(target=stop.set).start()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop
