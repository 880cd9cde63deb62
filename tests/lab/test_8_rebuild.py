"""The appliance is lost with its disk, and the facility's directory too: all comes back from paper and the vault."""

import sqlite3
import stat
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from backup.kit import contents, entered, fonts
from backup.status import Outcome, Purpose, RestoreRecord, Verdict, read_restores
from inventory.loader import load_facility
from playbooks.recovery import ledger
from tests.kit.test_paper import scan
from tests.lab.clinic import XINGLIN, backup_runs, console_status, first_login, host_state, proofs
from tests.lab.eventually import eventually
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.plain_restic import REPOSITORIES, require_clean, sets
from tests.lab.test_2_provision import CHECKOUT, provision

pytestmark = [pytest.mark.lab, pytest.mark.disaster]

AUDIT = "var/lib/xinglin/console/audit"
STORE = "var/lib/xinglin/console/console.db"
# A day is sealed when it is over; here it is over at once.
SEAL_TODAY = """
from datetime import UTC, datetime, timedelta
from pathlib import Path
from console.audit.log import AuditLog
from console.audit.seal import seal_finished_days
log = AuditLog(Path("/var/lib/xinglin/console/audit"), now=lambda: datetime.now(UTC) + timedelta(days=1))
print(len(seal_finished_days(log, "appliance1", "synchronised")))
"""


@dataclass(frozen=True)
class Before:
    """What there was, and what is left of it: the scanned paper and the vault."""

    paper: str
    facility: Path
    authority: bytes
    host_key: str
    accounts: int
    runs: set[str]
    records: list[str]
    sets: dict[str, set[str]]


def xinglin(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(CHECKOUT / "xinglin.py"), "backup", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, input=stdin, capture_output=True, text=True, check=False, timeout=1800)


def stored_runs(appliance: Host) -> set[str]:
    """The ids of the backup runs that the console's store knows."""
    with sqlite3.connect(f"file:{appliance.root / STORE}?mode=ro", uri=True) as store:
        return {row[0] for row in store.execute("SELECT run_id FROM backup_run")}


def records(appliance: Host) -> list[str]:
    """The lines of the audit log, oldest first."""
    return [line for day in sorted((appliance.root / AUDIT / "log").iterdir()) for line in day.read_text().splitlines()]


@pytest.fixture(scope="module")
def paper(clinic: Lab, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The kit as a scanner reads it from its printed pages."""
    fonts.require()
    pdf = tmp_path_factory.mktemp("kit") / "kit.pdf"
    made = xinglin("recovery-kit", str(clinic.facility_directory), "--output", str(pdf))
    assert made.returncode == 0, made.stdout + made.stderr
    assert stat.S_IMODE(pdf.stat().st_mode) == 0o600
    return scan(pdf)


def test_the_kit_opens_every_repository_and_is_written_nowhere_but_on_paper(clinic: Lab, paper: str):
    code = entered.find(paper)
    assert code
    (entry,) = ledger.read(clinic.facility_directory)
    assert entry.number == contents.from_text(paper).number
    assert {(key.host, key.repository) for key in entry.keys} == {
        (name, where) for name in ("appliance1", "his1") for where in REPOSITORIES
    }
    for host in clinic.hosts:
        found = host.attempt("grep", "-rlF", code, "/etc", "/var", "/root", "/home", "/tmp")  # noqa: S108
        assert found.stdout == "", host.name
    assert subprocess.run(["grep", "-rlF", code, clinic.facility_directory], check=False).returncode == 1
    said = clinic.host("appliance1").run("cat", "/etc/xinglin/facility/recovery.json")
    assert entry.number in said


def test_a_drill_is_on_record_at_each_host_and_at_the_console(clinic: Lab, paper: str):
    done = xinglin("recovery-drill", str(clinic.facility_directory), stdin=paper)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 4 repositories open" in done.stdout
    for name in ("appliance1", "his1"):
        drills = [item for item in _restores(clinic.host(name)) if item.purpose is Purpose.DRILL]
        assert {(item.repository, item.outcome) for item in drills} == {
            (where, Outcome.SUCCESS) for where in REPOSITORIES
        }
    assert any('"recovery.drill"' in line for line in records(clinic.host("appliance1")))


@pytest.fixture(scope="module")
def before(clinic: Lab, paper: str) -> Before:
    """Everything there was, backed up once more, and then the loss."""
    appliance = clinic.host("appliance1")
    first_login(clinic)
    python = [
        "setpriv",
        "--reuid=xinglin-console",
        "--regid=xinglin-console",
        "--init-groups",
        "/opt/xinglin/venv/bin/python",
    ]
    assert int(appliance.run(*python, "-c", SEAL_TODAY)) >= 1, (
        "today, and yesterday when midnight (UTC) fell into the run"
    )
    eventually("the console knows its own backups", lambda: len(stored_runs(appliance)) >= 2)
    known = stored_runs(appliance)
    appliance.run(XINGLIN, "backup", "run", timeout_seconds=900)
    assert backup_runs(appliance)[0].outcome in {Outcome.SUCCESS, Outcome.WARNING}
    found = Before(
        paper=paper,
        facility=clinic.facility_directory,
        authority=(clinic.facility_directory / "ca.crt").read_bytes(),
        host_key=_host_key(clinic.facility_directory, appliance),
        accounts=console_status(clinic)["console"]["accounts"],
        runs=known,
        records=records(appliance),
        sets={name: sets(clinic.host(name), "offsite") for name in ("appliance1", "his1")},
    )
    # The last backup holds what was there before it; what came after is lost, as in life.
    clinic.facility_directory.rename(clinic.directory / "lost")
    return found


@pytest.fixture(scope="module")
def rebuilt(clinic: Lab, before: Before) -> str:
    """The appliance as ``rebuild`` leaves it, and what it said."""
    login = clinic.replace_by_bare("appliance1")
    kit = clinic.directory / "kit.txt"
    kit.write_text(before.paper)
    done = xinglin("rebuild", "--kit", str(kit), "--directory", str(before.facility), "--credential-file", str(login))
    print(done.stdout, done.stderr)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


def test_the_facility_is_back_with_its_secrets_and_the_new_host_key(clinic: Lab, before: Before, rebuilt: str):
    lost = clinic.directory / "lost"
    for name in ("hosts.yml", ".vault-password", "group_vars/all/vault.yml", "operator_ed25519", "ca.crt"):
        assert (before.facility / name).read_bytes() == (lost / name).read_bytes(), name
    assert stat.S_IMODE(before.facility.stat().st_mode) == 0o700
    assert load_facility(before.facility).id == load_facility(lost).id
    assert _host_key(before.facility, clinic.host("appliance1")) != before.host_key
    assert "new SSH host key SHA256:" in rebuilt


def test_the_authority_is_the_old_one_and_every_host_is_seen_again(clinic: Lab, before: Before, rebuilt: str):
    appliance = clinic.host("appliance1")
    assert (appliance.root / "etc/xinglin/pki/ca.crt").read_bytes() == before.authority
    for host in clinic.hosts:
        eventually(f"{host.name} is seen", partial(_seen, clinic, host.name))


def test_the_other_hosts_take_the_old_operators_key_and_nothing_is_left_to_change(
    clinic: Lab, before: Before, rebuilt: str
):
    done = provision(before.facility)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing to change" in done.stdout


def test_the_history_is_back(clinic: Lab, before: Before, rebuilt: str):
    appliance = clinic.host("appliance1")
    assert before.runs <= stored_runs(appliance)
    assert console_status(clinic)["console"]["accounts"] == before.accounts
    assert {run.run_id for run in backup_runs(appliance)} >= {run for run in before.runs if "appliance" in run}
    assert all(run.outcome is not Outcome.RUNNING for run in backup_runs(appliance))


def test_the_audit_log_goes_on_where_it_was_and_says_what_happened(clinic: Lab, before: Before, rebuilt: str):
    appliance = clinic.host("appliance1")
    now = records(appliance)
    said = max(place for place, line in enumerate(now) if '"recovery.appliance_rebuilt"' in line)
    kept = [line for line in now if line in set(before.records)]
    assert kept == before.records[: len(kept)]
    assert len(kept) >= len(before.records) - 2
    assert said >= len(kept)
    checked = appliance.attempt("/opt/xinglin/venv/bin/xinglin", "console", "audit", "verify")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_seals_verify_with_openssl_and_coreutils_alone(clinic: Lab, rebuilt: str):
    audit = clinic.host("appliance1").root / AUDIT
    seals = sorted((audit / "seals").glob("*.seal"))
    assert seals
    for seal in seals:
        day = seal.stem
        command = ["openssl", "dgst", "-sha256", "-verify", str(audit / "keys/p256.pub.pem")]
        command += ["-signature", f"{seal}.p256.sig", str(seal)]
        assert "Verified OK" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
        said = subprocess.run(
            ["sha256sum", audit / "log" / f"{day}.jsonl"], capture_output=True, text=True, check=True
        ).stdout
        assert f"sha256: {said.split()[0]}" in seal.read_text()


def test_the_rebuild_is_on_record_with_its_steps_and_times(clinic: Lab, rebuilt: str):
    record, *_ = [item for item in _restores(clinic.host("appliance1")) if item.purpose is Purpose.REBUILD]
    assert record.outcome in {Outcome.SUCCESS, Outcome.WARNING}
    assert record.finished_at is not None
    names = [step.name for step in record.steps]
    assert names[0] == "first_contact"
    assert {"fetch", "facility", "place", "provision", "history", "recovery_key"} <= set(names)
    assert all(step.finished_at is not None for step in record.steps)
    assert record.bytes_restored > 0
    assert clinic.host("appliance1").attempt("test", "-e", "/var/lib/xinglin-rebuild").returncode != 0


def test_the_kit_in_the_hand_opens_the_new_local_repositories_too(clinic: Lab, before: Before, rebuilt: str):
    done = xinglin("recovery-drill", str(before.facility), stdin=before.paper)
    assert done.returncode == 0, done.stdout + done.stderr


def test_backups_go_on_in_the_same_repositories_and_are_proved(clinic: Lab, before: Before, rebuilt: str):
    for name in ("appliance1", "his1"):
        host = clinic.host(name)
        host.run(XINGLIN, "backup", "run", timeout_seconds=900)
        host.run("systemctl", "start", "xinglin-verify.service", timeout_seconds=900)
        run, proof = backup_runs(host)[0], proofs(host)[0]
        assert run.outcome in {Outcome.SUCCESS, Outcome.WARNING}, run
        assert proof.verdict is Verdict.PASSED, proof
        assert before.sets[name] < sets(host, "offsite")


def test_the_local_repositories_are_refilled_from_the_vault(clinic: Lab, before: Before, rebuilt: str):
    appliance = clinic.host("appliance1")
    appliance.run("systemctl", "start", "xinglin-keeper.service", timeout_seconds=900)
    for name in ("appliance1", "his1"):
        assert before.sets[name] <= sets(clinic.host(name), "local")
        require_clean(clinic.host(name))


def _host_key(facility: Path, host: Host) -> str:
    lines = (facility / "known_hosts").read_text().splitlines()
    (own,) = [line for line in lines if line.split()[0] == host.address]
    return own


def _seen(clinic: Lab, name: str) -> bool:
    return host_state(clinic, name) in {"ok", "warn"}


def _restores(host: Host) -> list[RestoreRecord]:
    return read_restores(host.root / "var/lib/xinglin/backup/restores")
