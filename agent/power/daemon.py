"""``xinglin power serve``: the machines of all UPSes of this host, a turn a second, until SIGTERM."""

import contextlib
import json
import logging
import os
import queue
import signal
import ssl
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from agent.config import Tls
from agent.errors import AgentError
from agent.notify import notify
from agent.power.announced import withdraw_lost
from agent.power.around import facts_report
from agent.power.config import Config
from agent.power.kernel import boot_id, booted_at
from agent.power.machine import Machine, Outside
from agent.power.reach import Surroundings, tls_probe
from agent.power.records import Event, Phase, PowerRecord, Verdict, from_json, read_records, write_record
from agent.power.request import HOWS, Answer, take_request, write_answer
from agent.power.state import Boot, Now
from agent.power.upsd import UpsdSession

logger = logging.getLogger(__name__)

KEPT_RECORDS = 200


def client_context(tls: Tls) -> ssl.SSLContext:
    """Return a context for TLS 1.2+ that shows this host's certificate and trusts the facility's CA only.

    Raises AgentError for files that are missing or do not fit.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=tls.ca)
        context.load_cert_chain(tls.certificate, tls.key)
    except OSError as error:  # ssl.SSLError is one
        raise AgentError(str(tls.certificate), error.strerror or str(error), "run the playbook pki.yml") from error
    return context


def open_records(directory: Path) -> dict[str, PowerRecord]:
    """Return UPS → its open record.  A file that is no record is put aside, an open record behind a newer is closed."""
    (directory / "drill").mkdir(parents=True, exist_ok=True)
    for draft in directory.glob(".2*"):
        draft.unlink(missing_ok=True)  # of a record that was being written when the power went
    for path in directory.glob("*.json"):
        if path.name == "boot.json":
            continue
        try:
            from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            logger.warning("%s is no power record (%s): put aside as .broken", path, error)
            path.replace(path.with_name(path.name + ".broken"))
    found: dict[str, PowerRecord] = {}
    for record in read_records(directory):
        if record.phase is Phase.FINISHED:
            continue
        if record.ups in found:
            now = datetime.now(UTC)
            ended = (*record.events, Event(now, "finished", "a newer record of this UPS is open"))
            closed = replace(record, phase=Phase.FINISHED, verdict=Verdict.ERROR, finished_at=now, events=ended)
            write_record(directory, closed)
        else:
            found[record.ups] = record
    return found


def forget_old(directory: Path, kept: int = KEPT_RECORDS) -> None:
    """Delete the oldest finished records beyond ``kept``."""
    for record in read_records(directory)[kept:]:
        if record.phase is Phase.FINISHED:
            (directory / f"{record.record_id}.json").unlink(missing_ok=True)


class Daemon:
    """All machines of this host."""

    def __init__(self, config: Config, machines: tuple[Machine, ...], boot: Boot) -> None:
        self._config = config
        self._machines = {machine.ups.name: machine for machine in machines}
        # Not an Event: the handler may find its lock held by the very wait that it interrupted, and both stay for ever.
        self._stop: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._boot = boot

    def stop(self) -> None:
        """End ``run``; safe in a signal handler."""
        self._stop.put(None)

    def run(self) -> None:
        """Take turns until ``stop``."""
        open_ones = open_records(self._config.records)
        withdraw_lost(self._config.records)
        for name, machine in self._machines.items():
            if name in open_ones:
                machine.resume(open_ones[name], self._now(), self._boot.booted_at)
        forget_old(self._config.records)
        while True:
            begun = time.monotonic()
            for machine in self._machines.values():
                machine.turn(self._now())
            self._take_request()
            with contextlib.suppress(queue.Empty):
                self._stop.get(timeout=max(0.05, self._config.limits.turn_seconds - (time.monotonic() - begun)))
                return

    def _now(self) -> Now:
        return Now(datetime.now(UTC), time.monotonic(), self._boot.boot_id)

    def _take_request(self) -> None:
        directory = self._config.records / "drill"
        request = take_request(directory)
        if request is None:
            return
        machine = self._machines.get(request.ups)
        if request.boot_id != self._boot.boot_id:
            answer = Answer(request.request_id, "it was asked for before this host was booted")
        elif machine is None:
            answer = Answer(request.request_id, f"this host has no UPS {request.ups}")
        elif request.how not in HOWS.get(request.scope, ()):
            answer = Answer(request.request_id, f"there is no drill {request.scope}/{request.how}")
        elif request.how == "simulated" and not machine.ups.simulated:
            answer = Answer(request.request_id, f"{request.ups} is a real UPS: the scope is facility")
        else:
            answer = machine.answer(request, self._now())
        try:
            write_answer(directory, answer)
        except OSError as error:
            logger.warning("the answer to the drill's request could not be written: %s", error)


def serve(config: Config, tls: Tls, password: str) -> None:
    """Serve until SIGTERM or SIGINT.  Raises AgentError when it cannot start."""
    context = client_context(tls)
    outside = Outside(tls_probe(context), facts_report(context))
    run(config, password, context, outside, Boot(boot_id(), booted_at()))


def run(config: Config, password: str, tls: ssl.SSLContext | None, outside: Outside, boot: Boot) -> None:
    """Run the daemon with its outside given."""
    with ExitStack() as stack:
        machines = []
        for ups in config.upses:
            session = stack.enter_context(UpsdSession(config.upsd, password, tls))
            surroundings = Surroundings(outside.probe)
            stack.callback(surroundings.close)
            machines.append(Machine(ups, config, session, surroundings, outside))
        daemon = Daemon(config, tuple(machines), boot)

        def stop(_number: int, _frame: FrameType | None) -> None:
            daemon.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        names = ", ".join(ups.name for ups in config.upses)
        logger.info("power daemon of %s keeps %s (pid %d)", config.host, names, os.getpid())
        notify("READY=1")
        daemon.run()
        notify("STOPPING=1")
