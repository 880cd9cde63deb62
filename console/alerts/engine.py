"""The alert core: looks at conditions, moves their states, and writes what changed, all in one transaction."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from console.alerts import topology
from console.alerts.conditions import host_states, look_at_problems
from console.alerts.drilled import Drills
from console.alerts.evaluate import look
from console.alerts.incidents import RECOVERED, RETIRED, Desk
from console.alerts.machine import Change, Phase, Sight
from console.alerts.moves import ChangedMeanwhileError, Move, set_state
from console.alerts.rule import Labels, Matcher, Mode, Selector
from console.alerts.rulebook import RuleBook
from console.alerts.signal import Look
from console.alerts.undelivered import RULE as UNDELIVERED
from console.alerts.undelivered import look_at_deliveries
from console.alerts.watch import HOST, Watch
from console.config import ConsoleConfig
from console.notifications.message import Routes
from console.power.drills import ANNOUNCED
from console.problems import find_problems
from console.rules.problem import Severity
from console.store.database import durable
from console.store.incidents import AlertState, Incident
from console.view import load_view

logger = logging.getLogger(__name__)

TRIES = 3
States = dict[str, AlertState]


class Alerts:
    """Judges conditions and keeps incidents.  All methods may be called from several threads."""

    def __init__(
        self,
        config: ConsoleConfig,
        book: RuleBook,
        sessions: sessionmaker[Session],
        routes: Routes,
        wake: Callable[[], None],
    ) -> None:
        """``wake`` is called after each commit, when the outbox may hold something new."""
        self._config = config
        self._book = book
        self._sessions = sessions
        self._routes = routes
        self._wake = wake
        self._objects = topology.facility_objects(config)
        self._rules = {rule.id for rule in book.rules}
        windows: dict[str, float] = {}
        for rule in book.rules:
            if rule.mode is Mode.INCREASE:
                metric = rule.selector.metric
                windows[metric] = max(windows.get(metric, 0), rule.window_seconds)
        self._watch = Watch(book.metrics, windows)
        self._lock = threading.Lock()

    def take(self, host: str, samples: Mapping[str, list[tuple[Labels, float]]] | None, now: datetime) -> None:
        """Judge the rules by a scrape of ``host`` at ``now``; None: it did not answer, and its values are unknown."""
        with self._lock:
            touched = self._watch.take(host, samples, now.timestamp())
            # An absent metric touches nothing: those rules are looked at whenever a host has answered.
            rules = [rule for rule in self._book.rules if rule.mode is Mode.ABSENT or rule.metrics & touched]
            if samples is None:
                return
            if rules:
                known: dict[str, dict[str, Labels]] = {}
                for state in self._active().values():
                    known.setdefault(state.rule, {})[state.fingerprint] = state.labels
                looks = (look(rule, self._watch, self._objects, known.get(rule.id, {})) for rule in rules)
                self._judge([one for seen in looks for one in seen], now)
            if ANNOUNCED in samples:
                self._judge_drills(now)

    def judge_problems(self, now: datetime) -> None:
        """Judge the console's own problems and deliveries; close what is no longer watched; release what was held."""
        with self._lock:
            with self._sessions() as session:
                view = load_view(session, self._config)
                problems = find_problems(view, now)
                deliveries = list(look_at_deliveries(session, self._route_names(), now))
            known = [one for one in self._active().values() if one.rule not in self._rules | {UNDELIVERED}]
            looks = look_at_problems(self._book, view, problems, known, host_states(view, now))
            self._judge([*looks, *deliveries], now)
            self._retire(now)
            self._judge_drills(now)
            self._release(now)

    def judge_deliveries(self, now: datetime) -> None:
        """Judge the deliveries only: what a provider refuses is told at once."""
        with self._lock:
            with self._sessions() as session:
                looks = list(look_at_deliveries(session, self._route_names(), now))
            self._judge(looks, now)

    def _active(self) -> States:
        query = select(AlertState).where(AlertState.phase != Phase.INACTIVE.value)
        with self._sessions() as session:
            return {one.fingerprint: one for one in session.scalars(query)}

    def _route_names(self) -> list[str]:
        return sorted({route.name for severity in Severity for route in self._routes.for_severity(severity)})

    def _judge(self, looks: Sequence[Look], now: datetime) -> None:
        """Move the states by the looks, every change in one transaction.

        A person may close an incident meanwhile: then nothing was written, and the looks are judged again.
        """
        for left in reversed(range(TRIES)):
            moves = self._moves(looks, now)
            if not moves:
                return
            try:
                with durable(self._sessions) as session:
                    for move in moves:
                        self._write(session, move, now)
            except ChangedMeanwhileError:
                if not left:
                    raise
            else:
                self._wake()
                return

    def _moves(self, looks: Sequence[Look], now: datetime) -> list[Move]:
        rows = self._active()
        new = [one.fingerprint for one in looks if one.sight is Sight.TRUE and one.fingerprint not in rows]
        if new:
            with self._sessions() as session:
                ended = session.scalars(select(AlertState).where(AlertState.fingerprint.in_(new)))
                rows |= {one.fingerprint: one for one in ended}
        moves = (Move(one, rows.get(one.fingerprint), now) for one in looks if one.fingerprint in rows or one.signal)
        return [move for move in moves if move.matters]

    def _write(self, session: Session, move: Move, now: datetime) -> None:
        desk, row, signal = Desk(session, self._config, now), move.row, move.look.signal
        incident = session.get(Incident, row.incident_id) if row and row.incident_id else None
        quiet_until = row.quiet_until if row and move.after.phase is not Phase.INACTIVE else None
        if move.opens and signal is not None:
            held_by = topology.explanation(session, self._config, signal, now)
            drill = Drills(session, self._config, self._book, now).at_opening(signal.rule, signal.labels, signal.host)
            incident, quiet_until = desk.open(signal, self._routes, held_by, drill), None
            logger.info("incident %d opened: %s", incident.id, signal.fingerprint)
        elif incident is not None and move.change is Change.RESOLVED:
            desk.resolve(incident, RECOVERED)
            logger.info("incident %d resolved: %s", incident.id, incident.fingerprint)
            incident = None
        elif incident is not None and move.change is Change.WORSENED and signal is not None:
            desk.worsen(incident, signal, self._routes)
        move.write(session, incident.id if incident else None, quiet_until)

    def _judge_drills(self, now: datetime) -> None:
        """Look again at what belongs to a drill: the drill may have been heard of late, and may be over."""
        open_ones = (
            select(Incident, AlertState.phase)
            .join(AlertState, AlertState.incident_id == Incident.id)
            .where(Incident.resolved_at.is_(None))
        )
        with durable(self._sessions) as session:
            drills, desk = Drills(session, self._config, self._book, now), Desk(session, self._config, now)
            for incident, phase in session.execute(open_ones).all():
                if incident.drill is None:
                    drill = drills.known_late(incident)
                    if drill is not None and not desk.has_left_drill(incident):
                        desk.join_drill(incident, drill)
                elif phase == Phase.FIRING and not drills.still_explains(incident):
                    desk.leave_drill(incident, self._routes)
        self._wake()

    def _release(self, now: datetime) -> None:
        with durable(self._sessions) as session:
            found = topology.loose(session, now)
            for one in found:
                Desk(session, self._config, now).release(one, self._routes)
        if found:
            self._wake()

    def _retire(self, now: datetime) -> None:
        """Close what no host, device or route of the configuration stands behind any more."""
        for state in self._active().values():
            if self._is_watched(state):
                continue
            with durable(self._sessions) as session:
                incident = session.get(Incident, state.incident_id) if state.incident_id else None
                if incident is not None:
                    Desk(session, self._config, now).resolve(incident, RETIRED)
                set_state(session, state, phase=Phase.INACTIVE.value, changed_at=now, incident_id=None)
            self._wake()

    def _is_watched(self, state: AlertState) -> bool:
        if state.rule == UNDELIVERED:
            return state.labels.get("route") in self._route_names()
        hosts = {host.name for host in self._config.hosts}
        if state.host and state.host not in hosts:
            return False
        named = ((label, state.labels[label]) for label in self._objects.readers if label in state.labels)
        return all(self._is_known(label, name, state.labels.get(HOST, "")) for label, name in named)

    def _is_known(self, label: str, name: str, reader: str) -> bool:
        """Tell whether a device is in the facility, or its agent tells of it; a silent agent may still know it."""
        if name in self._objects.readers[label]:
            return True
        if reader not in self._watch.answering:
            return any(host.name == reader for host in self._config.hosts)
        there = Selector(f"xinglin_{label}_up", (Matcher(label, "=", name),))
        return any(True for _ in self._watch.select(there))
