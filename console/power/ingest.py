"""Take in what an agent tells of UPSes and devices: metrics at each scrape, records with the facts."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.power.records import PowerRecord, from_json, to_json
from console.history import Writer
from console.power.device_digest import Counters, device_snapshots
from console.power.drills import take_in_drills
from console.power.events import keep, note_ups
from console.power.leading import leading
from console.power.series import device_points, ups_points
from console.power.snapshot import DeviceSnapshot, UpsSnapshot
from console.power.standing import FLAGS
from console.power.ups_digest import ups_snapshots
from console.store.power import BootReport, DeviceLatest, PowerEvent, PowerRecordRow, UpsLatest
from console.worker.exposition import Samples

logger = logging.getLogger(__name__)
MINUTE = 60
TELLING = frozenset(FLAGS.values())


class PowerIngest:
    """Takes in scrapes; remembers the counters for rates.  Belongs to the worker's one writing thread."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._counters: dict[str, Counters] = {}
        self._minute: dict[str, int] = {}

    def take_in(self, session: Session, host: str, samples: Samples, at: datetime) -> None:
        """Keep the newest of every UPS, drill and device that the agent of ``host`` tells of; the caller commits."""
        take_in_drills(session, host, samples, at)
        if "xinglin_ups_up" in samples:
            self._upses(session, host, samples, at)
        if "xinglin_device_up" in samples:
            self._devices(session, host, samples, at)

    def _upses(self, session: Session, host: str, samples: Samples, at: datetime) -> None:
        rows = {(row.ups, row.source): row for row in session.scalars(select(UpsLatest).where(UpsLatest.host == host))}
        found = ups_snapshots(samples)
        for (ups, source), shown in found.items():
            row = rows.get((ups, source)) or session.get(UpsLatest, (ups, source))
            news = row is None or _telling(UpsSnapshot.from_json(row.snapshot)) != _telling(shown)
            row = row or UpsLatest(ups=ups, source=source, since=at)
            row.host, row.at, row.snapshot = host, at, shown.to_json()
            session.add(row)
            if news:
                row.since = at if shown.up else _since(shown.failing_since, at)
                note_ups(session, host, ups, source, now=shown, at=at)
        for ups in {ups for ups, _source in found}:
            shown = leading({source: one for (name, source), one in found.items() if name == ups})
            self._writer.write(session, ups, at, ups_points(shown))

    def _devices(self, session: Session, host: str, samples: Samples, at: datetime) -> None:
        rows = {row.device: row for row in session.scalars(select(DeviceLatest).where(DeviceLatest.host == host))}
        minute = int(at.timestamp()) // MINUTE
        for device, (shown, counters) in device_snapshots(samples, at.timestamp(), self._counters).items():
            self._counters[device] = counters
            row = rows.get(device) or session.get(DeviceLatest, device)
            news = row is None or row.snapshot["up"] != shown.up
            row = row or DeviceLatest(device=device, since=at)
            row.host, row.at, row.snapshot = host, at, shown.to_json()
            session.add(row)
            if news:
                row.since = at if shown.up else _since(shown.failing_since, at)
                self._moved(session, host, device, shown, at)
            if self._minute.get(host) != minute:  # the history has minutes, and a hundred devices have many series
                self._writer.write(session, device, at, device_points(shown))
        self._minute[host] = minute

    @staticmethod
    def _moved(session: Session, host: str, device: str, shown: DeviceSnapshot, at: datetime) -> None:
        code = "reachable" if shown.up else "unreachable"
        detail = "" if shown.up else shown.trouble or ""
        keep(session, PowerEvent(at=at, host=host, device=device, source=shown.source, code=code, detail=detail))


def _telling(shown: UpsSnapshot) -> tuple[bool, frozenset[str]]:
    """Return what of a snapshot makes a state of its own; that a battery charges does not."""
    return shown.up, frozenset(shown.flags) & TELLING


def _since(failing_since: float | None, otherwise: datetime) -> datetime:
    return otherwise if failing_since is None else datetime.fromtimestamp(failing_since, UTC)


def ingest_power(session: Session, host: str, power: Mapping[str, Any], now: datetime) -> None:
    """Keep the boot report and the power records of ``/facts``, key ``power``; the caller commits.

    What cannot be read is left out and logged.
    """
    boot = power.get("boot")
    if isinstance(boot, dict):
        session.merge(BootReport(host=host, document=boot, received_at=now))
    for document in power.get("records") or ():
        try:
            record = from_json(document)
        except (ValueError, AttributeError) as error:
            logger.warning("host %s: a power record cannot be read: %s", host, error)
            continue
        session.merge(_row(record, now))


def _row(record: PowerRecord, now: datetime) -> PowerRecordRow:
    return PowerRecordRow(
        record_id=record.record_id,
        ups=record.ups,
        host=record.host,
        cause=record.cause.value,
        phase=record.phase.value,
        verdict=record.verdict.value if record.verdict else None,
        started_at=record.started_at,
        finished_at=record.finished_at,
        document=to_json(record),
        received_at=now,
    )
