"""The worker against the real agent, the real judge and the real command."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from backup.status import BackupRun, Outcome, Trigger, Verdict, Verification, write_run, write_verification
from console.audit.log import AuditLog
from console.config import ConsoleConfig, ManagedHost, TlsFiles
from console.hosts import shown_state
from console.snapshot import Snapshot
from console.store.models import (
    AssessmentResult,
    BackupRunRow,
    FactDocument,
    HostLatest,
    HostState,
    JobSlot,
    MetricMinute,
    MetricSeries,
    ProvisionRun,
    ProvisionTask,
    State,
    VerificationRow,
)
from console.worker.facts import FactsRound
from console.worker.fetch import Fetcher, client_context
from console.worker.keeping import Keeper
from console.worker.main import AlreadyRunningError, only_worker
from console.worker.round import Round, host_row
from console.worker.slots import Slots
from console.worker.spool import ingest_spool
from tests.agent.pki import Authority
from tests.agent.ports import free_port
from tests.agent.process import running_agent, write_config
from tests.clock import Clock
from tests.console.conftest import NOW
from tests.console.fixture_config import console_config, host

START_SECONDS = 180  # a bound for what never comes: a busy machine needs half a minute for a start
FACTS = {"schema": 1, "host": "his1", "gathered_at": "2026-11-23T07:59:00Z", "boot_id": "b", "probes": []}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


@pytest.fixture
def tls(authority: Authority) -> TlsFiles:
    issued = authority.issue("appliance1")
    return TlsFiles(authority.certificate, issued.certificate, issued.key)


def backup_files(directory: Path) -> None:
    run = BackupRun("r1", "his1", "his", Trigger.SCHEDULE, "b", 1, NOW, Outcome.SUCCESS, NOW, bytes_processed=5)
    write_run(directory / "backup" / "runs", run)
    test = Verification(
        "v1", "his1", "his", "local", NOW, NOW, Verdict.PASSED, as_of=NOW, rpo_seconds=60, rto_seconds=5
    )
    write_verification(directory / "backup" / "verifications", test)


def test_a_round_stores_the_real_agents_values_and_a_dead_host_delays_nobody(
    tmp_path: Path, authority: Authority, tls: TlsFiles, sessions: sessionmaker[Session]
) -> None:
    agent_directory = tmp_path / "agent"
    agent_directory.mkdir()
    (agent_directory / "facts.json").write_text(json.dumps(FACTS))
    backup_files(agent_directory)
    with running_agent(agent_directory, write_config(agent_directory, authority, authority.issue("his1"))) as agent:
        config = console_config(tmp_path, (host(port=agent.port), host("gone1", free_port())), tls)
        fetcher = Fetcher(client_context(tls))
        scrapes, facts = Round(config, fetcher, sessions), FactsRound(config, fetcher, sessions)
        scrapes.run()
        scrapes.run()
        facts.run()
        facts.run()
        scrapes.close()
        facts.close()
    with sessions() as session:
        rows = {row.name: row for row in session.scalars(select(HostState))}
        assert shown_state(rows["his1"], datetime.now(UTC), 15) in {State.OK, State.WARN, State.CRIT}
        assert rows["his1"].error_code is None
        assert rows["his1"].agent_version
        assert (rows["gone1"].error_code, rows["gone1"].state) == ("refused", "late")
        latest = session.get(HostLatest, "his1")
        assert latest is not None
        snapshot = Snapshot.from_json(latest.snapshot)
        assert snapshot.memory_total_bytes
        assert snapshot.filesystems
        assert Snapshot.from_json(json.loads(json.dumps(snapshot.to_json()))) == snapshot
        measured = select(MetricSeries.name).where(MetricSeries.id.in_(select(MetricMinute.series_id)))
        assert {"load1", "memory_used_ratio", "filesystem_used_ratio"} <= set(session.scalars(measured))
        assert session.scalars(select(BackupRunRow.bytes_processed)).all() == [5]
        assert session.scalars(select(VerificationRow.verdict)).all() == ["passed"]
        document = session.scalars(select(FactDocument)).one()
        assert document.document == FACTS
        verdicts = session.scalars(select(AssessmentResult)).all()
        assert len(verdicts) == 10
        assert all(result.evidence for result in verdicts)
        assert {result.verdict for result in verdicts} == {"未测"}  # no probe, so nothing may be judged
        assert rows["his1"].facts_error is None
        assert rows["gone1"].facts_error is not None


@dataclass(frozen=True)
class StandInFetcher(Fetcher):
    """Gives the answers of agents that are none."""

    answers: Mapping[str, Mapping[str, object]]

    def get(self, host: ManagedHost, path: str, deadline_seconds: float = 0) -> bytes:  # noqa: ARG002 — its own names
        return json.dumps({"schema": 1, "host": host.name, **self.answers[host.name]}).encode()


def test_a_host_whose_facts_break_the_reader_hides_no_other(
    tmp_path: Path, tls: TlsFiles, sessions: sessionmaker[Session]
) -> None:
    hosts = (host("his1"), host("his2"))
    with sessions.begin() as session:
        for one in hosts:
            host_row(session, one, NOW)
    answers: dict[str, dict[str, object]] = {"his1": {"backup": ["what is this?"]}, "his2": {"facts": FACTS}}
    facts = FactsRound(console_config(tmp_path, hosts, tls), StandInFetcher(client_context(tls), answers), sessions)
    facts.run()
    facts.close()
    with sessions() as session:
        assert session.scalars(select(FactDocument.host)).all() == ["his2"]
        problems = {row.name: row.facts_error for row in session.scalars(select(HostState))}
    assert problems == {"his1": "AttributeError: they could not be taken in", "his2": None}


def record(run_id: str = "run-1", **changes: object) -> dict[str, object]:
    task = {
        "host": "his1", "role": "base", "task": "Set the time zone", "action": "timezone", "status": "changed",
        "duration_seconds": 0.5, "started_at": "2026-11-23T07:00:01Z", "diff": "-UTC\n+Asia/Shanghai", "message": None,
    }  # fmt: skip
    return {
        "schema": 1, "run_id": run_id, "playbook": "site.yml", "check": False, "limit": None, "tags": [],
        "operator": "a", "started_at": "2026-11-23T07:00:00Z", "finished_at": "2026-11-23T07:05:00Z",
        "status": "successful",
        "hosts": {"his1": {"ok": 2, "changed": 1, "failed": 0, "unreachable": 0, "skipped": 0}}, "tasks": [task, task],
        **changes,
    }  # fmt: skip


def test_the_spool_is_taken_in_once_and_what_is_no_record_is_put_aside(
    tmp_path: Path, sessions: sessionmaker[Session]
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(record()))
    (tmp_path / "b.json").write_text("{half")
    (tmp_path / "c.json").write_text(json.dumps(record("run-2", tasks=[{"host": "his1"}])))
    assert ingest_spool(sessions, tmp_path, NOW) == 1
    assert sorted(path.name for path in tmp_path.glob("*.json*")) == ["b.json.refused", "c.json.refused"]
    (tmp_path / "a.json").write_text(json.dumps(record(status="failed")))  # the same run again, as after a kill
    assert ingest_spool(sessions, tmp_path, NOW) == 1
    with sessions() as session:
        assert [(run.run_id, run.status) for run in session.scalars(select(ProvisionRun))] == [("run-1", "failed")]
        assert session.scalar(select(func.count()).select_from(ProvisionTask)) == 2


def test_a_slot_is_worked_on_once_and_a_failed_or_abandoned_one_again(sessions: sessionmaker[Session]) -> None:
    clock = Clock(NOW)
    slots = Slots(sessions, clock, NOW)
    done: list[str] = []

    def fail() -> None:
        raise RuntimeError("disk full")

    assert slots.run("seal", 86400, fail)
    with sessions() as session:
        slot = session.scalars(select(JobSlot)).one()
        assert (slot.outcome, slot.detail) == ("failed", "RuntimeError: disk full")
    assert slots.run("seal", 86400, lambda: done.append("again"))
    assert not slots.run("seal", 86400, lambda: done.append("never"))
    clock.moment += timedelta(days=1)
    assert slots.claim("seal", clock.moment)
    assert not slots.claim("seal", clock.moment)  # somebody works on it
    clock.moment += timedelta(hours=1)
    assert Slots(sessions, clock, clock.moment).claim("seal", clock.moment - timedelta(hours=1))  # he was killed
    assert done == ["again"]


def test_two_threads_that_fire_the_same_slot_do_the_work_once(sessions: sessionmaker[Session]) -> None:
    done: list[int] = []
    slots = Slots(sessions, Clock(NOW), NOW)
    threads = [threading.Thread(target=slots.run, args=("facts", 60, lambda: done.append(1))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [1]


def test_a_log_that_lost_its_end_is_noticed_by_the_worker(sessions: sessionmaker[Session], audit: AuditLog) -> None:
    keeper = Keeper(sessions, audit, "appliance1")
    for number in range(3):
        audit.append(actor="a", action="x", target=str(number))
    keeper.note_head()
    path = audit.files.log(NOW.date())
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:1]))
    with pytest.raises(Exception, match="ended at record 3 and now ends at 1"):
        keeper.note_head()


def test_a_second_worker_is_refused_and_told_why(tmp_path: Path) -> None:
    lock = tmp_path / "worker.lock"
    with (
        only_worker(lock),
        pytest.raises(AlreadyRunningError, match=rf"process {os.getpid()}.*Next"),
        only_worker(lock),
    ):
        pass
    with only_worker(lock):
        pass


def write_console_config(config: ConsoleConfig) -> Path:
    assert config.tls is not None
    path = config.state_directory / "console.json"
    document = {
        "facility": vars(config.facility),
        "hosts": [{**vars(one), "groups": list(one.groups)} for one in config.hosts],
        "policies": [
            {**vars(one), "hosts": list(one.hosts), "schedule": list(one.schedule)} for one in config.policies
        ],
        "scrape_interval_seconds": config.scrape_interval_seconds,
        "tls": {name: str(value) for name, value in vars(config.tls).items()},
        "state_directory": str(config.state_directory),
        "socket": str(config.socket),
        "public_url": config.public_url,
    }
    path.write_text(json.dumps(document))
    return path


def command(*arguments: str, config: Path) -> list[str]:
    script = Path(__file__).parents[2] / "xinglin.py"
    return [sys.executable, str(script), "console", *arguments, "--config", str(config)]


def run(*arguments: str, config: Path, check: bool) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments, config=config), capture_output=True, text=True, check=check)


def test_the_worker_and_the_commands_live_together(tmp_path: Path, tls: TlsFiles) -> None:
    config = write_console_config(console_config(tmp_path, (host(port=free_port()),), tls))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(START_SECONDS)
        manager.bind(str(tmp_path / "notify"))
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        worker = subprocess.Popen(command("worker", config=config), env=environment, stderr=subprocess.PIPE, text=True)
        try:
            assert manager.recv(64) == b"READY=1"
            second = run("worker", config=config, check=False)
            assert second.returncode == 3
            assert "another worker is running" in second.stderr
            secret = run("first-login", config=config, check=True)
            assert len(secret.stdout.strip()) == 35
            status = subprocess.run(
                command("status", "--json", config=config), capture_output=True, text=True, check=True
            )
            document = json.loads(status.stdout)
            assert [one["name"] for one in document["hosts"]] == ["his1"]
            assert document["console"] == {"url": "https://198.18.0.10:8443", "accounts": 0}
            assert {"title", "title_zh", "meaning_zh", "next_step_zh"} <= document["problems"][0].keys()
            verified = subprocess.run(
                command("audit", "verify", config=config), capture_output=True, text=True, check=True
            )
            assert "intact   yes" in verified.stdout
        finally:
            worker.send_signal(signal.SIGTERM)
            errors = worker.communicate(timeout=START_SECONDS)[1]
        assert worker.returncode == 0, errors
        assert manager.recv(64) == b"STOPPING=1"


def test_the_pages_are_served_on_the_socket_until_sigterm(tmp_path: Path, tls: TlsFiles) -> None:
    config = write_console_config(console_config(tmp_path, (host(),), tls))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(START_SECONDS)
        manager.bind(str(tmp_path / "notify"))
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        (tmp_path / "web.sock").touch()  # left behind by a killed process
        web = subprocess.Popen(command("serve", config=config), env=environment, stderr=subprocess.PIPE, text=True)
        try:
            assert manager.recv(64) == b"READY=1"
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(tmp_path / "web.sock"))
                client.sendall(b"GET / HTTP/1.1\r\nHost: console\r\nConnection: close\r\n\r\n")
                assert client.recv(4096).startswith(b"HTTP/1.1 302")
        finally:
            web.send_signal(signal.SIGTERM)
            errors = web.communicate(timeout=START_SECONDS)[1]
        assert web.returncode == 0, errors
        assert manager.recv(64) == b"STOPPING=1"
    assert not (tmp_path / "web.sock").exists()


def test_a_wrong_configuration_is_told_whole(tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    path.write_text('{"facility": {"id": "x", "timezone": "Mars/Base", "mlps_level": 7}, "hosts": [{"address": 1}]}')
    done = run("migrate", config=path, check=False)
    assert done.returncode == 3
    for place in (
        "facility.name_zh",
        "Mars/Base",
        "facility.mlps_level: is 7",
        "hosts[0].name",
        "hosts[0].address",
        "public_url",
    ):
        assert place in done.stderr
