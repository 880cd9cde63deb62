"""The whole agent as a process: its pages, its start and its end."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.config import Config
from agent.service import SETTLE_SECONDS, collectors
from backup.status import BackupRun, Progress, Trigger, write_progress, write_run
from tests.agent import repository_files
from tests.agent.client import Client
from tests.agent.pki import DAY, Authority, Issued
from tests.agent.ports import free_port
from tests.agent.process import Agent, command, running_agent, write_config
from tests.agent.promtool import complaints
from tests.agent.samples import key, parse

EXPECTED = """
node_boot_time_seconds node_context_switches_total node_cpu_seconds_total node_disk_io_time_seconds_total
node_disk_read_bytes_total node_disk_reads_completed_total node_disk_written_bytes_total node_filefd_allocated
node_filesystem_avail_bytes node_filesystem_device_error node_filesystem_files node_filesystem_files_free
node_filesystem_free_bytes node_filesystem_readonly node_filesystem_size_bytes node_forks_total node_intr_total
node_load1 node_load15 node_load5 node_memory_Buffers_bytes node_memory_Cached_bytes node_memory_MemAvailable_bytes
node_memory_MemFree_bytes node_memory_MemTotal_bytes node_memory_SReclaimable_bytes node_memory_SwapFree_bytes
node_memory_SwapTotal_bytes node_network_info node_network_receive_bytes_total node_network_receive_drop_total
node_network_receive_errs_total node_network_receive_packets_total node_network_transmit_bytes_total
node_network_transmit_errs_total node_network_up node_os_info node_procs_blocked node_procs_running node_time_seconds
node_timex_maxerror_seconds node_timex_offset_seconds node_timex_sync_status node_uname_info node_vmstat_oom_kill
node_vmstat_pgmajfault restic_check_success xinglin_agent_build_info xinglin_backup_last_run_timestamp_seconds
xinglin_backup_progress_ratio xinglin_backup_restore_success xinglin_repository_space_free_bytes
xinglin_certificate_not_after_timestamp_seconds xinglin_collector_duration_seconds
xinglin_collector_last_run_timestamp_seconds xinglin_collector_success xinglin_facts_timestamp_seconds
"""
STARTED = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def host(authority: Authority) -> Issued:
    return authority.issue("his1")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("agent")


@pytest.fixture(scope="module")
def agent(directory: Path, authority: Authority, host: Issued) -> Iterator[Agent]:
    (directory / "facts.json").write_text('{"schema": 1, "host": "his1", "probes": [{"stdout": "时间"}]}')
    for number in range(25):
        started = STARTED + timedelta(days=number)
        run = BackupRun(f"{number:02}", "his1", "his", Trigger.SCHEDULE, "b", 1, started)
        write_run(directory / "backup/runs", run)
    repository_files.write(directory / "backup")
    (directory / "backup/wal.json").write_text('{"schema": 1, "host": "his1", "stored_until": {}}')
    write_progress(directory / "backup/progress.json", Progress("24", "his", "dump", 0.25, 1024, STARTED))
    with running_agent(directory, write_config(directory, authority, host)) as running:
        yield running


@pytest.fixture(scope="module")
def client(agent: Agent, authority: Authority) -> Client:
    return Client(agent.port, authority.certificate, authority.issue("appliance1"))


def test_the_metrics_page_has_what_dashboards_rely_on(client: Client):
    answer = client.get("/metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    names = {name for name, _ in parse(answer.body)}
    assert set(EXPECTED.split()) - names == set()


def test_the_first_scrape_after_ready_already_has_every_collector(client: Client):
    found = parse(client.get("/metrics").body)
    success = {
        dict(labels)["collector"]: value for (name, labels), value in found.items() if name.endswith("tor_success")
    }
    success.pop("systemd")
    assert success == dict.fromkeys(success, 1)
    assert len(success) == 13


def test_every_collector_may_use_its_whole_time_before_the_agent_is_ready(config: Config):
    assert max(each.timeout_seconds for each in collectors(config, "test")) <= SETTLE_SECONDS


def test_promtool_finds_nothing_to_complain_about(client: Client):
    assert complaints(client.get("/metrics").body) == []


def test_promtool_would_complain(client: Client):
    page = client.get("/metrics").body + b"# TYPE his_seconds_total gauge\nhis_seconds_total 1\n"
    assert len(complaints(page)) == 2


def test_facts_and_backup_runs_are_served_as_one_document(client: Client, directory: Path):
    answer = client.get("/facts")
    assert answer.content_type == "application/json"
    document = json.loads(answer.body)
    assert document["facts"] == json.loads((directory / "facts.json").read_text())
    assert (document["schema"], document["host"]) == (1, "his1")
    assert document["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    age = datetime.now(UTC) - datetime.fromisoformat(document["generated_at"])
    assert timedelta(seconds=-1) < age < timedelta(minutes=1)
    assert document["generated_at"].endswith("Z")
    assert [run["run_id"] for run in document["backup"]["runs"]] == [f"{number:02}" for number in range(24, 4, -1)]
    backup = document["backup"]
    assert backup["verifications"] == []
    assert [state["host"] for state in backup["repositories"]] == ["his1", "pacs1"]
    assert backup["space"]["server"] == "appliance1"
    assert [restore["purpose"] for restore in backup["restores"]] == ["drill"]
    assert (backup["progress"]["step"], backup["progress"]["fraction"]) == ("dump", 0.25)
    assert backup["wal"] == {"schema": 1, "host": "his1", "stored_until": {}}


@pytest.mark.parametrize("damage", [b"", b'{"schema": 1', b"\xff\xfe"])
def test_damaged_facts_are_served_as_none(client: Client, directory: Path, damage: bytes):
    good = (directory / "facts.json").read_bytes()
    try:
        (directory / "facts.json").write_bytes(damage)
        assert json.loads(client.get("/facts").body)["facts"] is None
    finally:
        (directory / "facts.json").write_bytes(good)


def test_the_landing_page_names_the_host_and_other_pages_are_not_there(client: Client):
    landing = client.get("/")
    assert (landing.status, landing.content_type) == (200, "text/html; charset=utf-8")
    assert "his1" in landing.body.decode()
    assert client.get("/etc/passwd").status == 404
    assert client.get("//metrics/../facts").status == 404


def test_the_end_of_the_served_certificate_is_shown(client: Client, authority: Authority, host: Issued):
    found = parse(client.get("/metrics").body)
    name = "xinglin_certificate_not_after_timestamp_seconds"
    end = found[key(name, path=str(host.certificate), subject="CN=his1")]
    assert end == pytest.approx((datetime.now(UTC) + 30 * DAY).timestamp(), abs=300)
    assert key(name, path=str(authority.certificate), subject="O=清河镇卫生院,CN=Qinghe CA") in found


def test_the_agent_holds_less_than_40_mib_and_few_threads(client: Client, agent: Agent):
    for _ in range(20):
        client.get("/metrics")
        client.get("/facts")
    assert agent.status_bytes("VmRSS") < 40 * 1024 * 1024
    threads = list(Path(f"/proc/{agent.process.pid}/task").iterdir())
    assert len(threads) < 12 + 16 + 2


def fails(directory: Path, config: Path) -> tuple[int, str]:
    done = subprocess.run(
        command("agent", "serve", "--config", str(config)), capture_output=True, check=False, text=True, timeout=60
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_an_agent_whose_port_is_taken_does_not_start(tmp_path: Path, authority: Authority, host: Issued, agent: Agent):
    code, said = fails(tmp_path, write_config(tmp_path, authority, host, port=agent.port))
    assert code == 3
    assert f"127.0.0.1 port {agent.port}: Address already in use. Next: see who has it" in said


def test_an_agent_with_a_wrong_configuration_does_not_start(tmp_path: Path, authority: Authority, host: Issued):
    code, said = fails(tmp_path, write_config(tmp_path, authority, host, listen="nowhere", prot=1))
    assert code == 2
    assert "listen: must be an IP address of this host; unknown keys prot" in said


def test_an_agent_takes_its_certificates_from_systemds_credentials(
    tmp_path: Path, authority: Authority, host: Issued, monkeypatch: pytest.MonkeyPatch
):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name, source in (("ca.crt", authority.certificate), ("host.crt", host.certificate), ("host.key", host.key)):
        (credentials / name).write_bytes(source.read_bytes())
    config = write_config(tmp_path, authority, host, tls={}, port=free_port())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    with running_agent(tmp_path, config) as running:
        client = Client(running.port, authority.certificate, authority.issue("appliance1"))
        assert client.get("/metrics").status == 200
