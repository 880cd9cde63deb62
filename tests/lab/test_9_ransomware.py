"""The ransomware drill: every file of his1 and of its local repository is encrypted; the HIS is back from offsite."""

import json
import os
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from backup.status import Outcome, Purpose, RestoreRecord, Verdict, read_repositories, read_restores
from tests.lab.clinic import backup_runs, host_state, proofs
from tests.lab.eventually import eventually
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.plain_restic import require_clean, sets
from tests.lab.test_2_provision import provision

pytestmark = [pytest.mark.lab, pytest.mark.disaster, pytest.mark.usefixtures("nights_by_hand")]

RECORDS = "var/lib/xinglin/backup"
STORE = "var/lib/xinglin/console/console.db"
REPOSITORY = "var/lib/xinglin/repository/his1"
# Files for the attack to begin with, as a clinic has them.
FORMS = """
mkdir -p /etc/forms
for n in $(seq 400); do
  printf 'form %s: name, date, ward, signature\\n' $n $n $n $n $n $n >/etc/forms/form-$n.txt
done
"""
TABLES = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname !~ '^(pg_|information)'"


def encrypt(root: Path) -> int:
    """Do to every file below ``root`` what ransomware does: encrypted under a new name, the original gone."""
    key = os.urandom(32)
    count = 0
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory, name)
            if path.is_symlink() or not path.is_file():
                continue
            encryptor = Cipher(algorithms.AES(key), modes.CTR(os.urandom(16))).encryptor()
            path.with_name(f"{name}.locked").write_bytes(encryptor.update(path.read_bytes()))
            path.unlink()
            count += 1
    return count


def psql(his: Host, statement: str) -> str:
    return his.run("runuser", "-u", "postgres", "--", "psql", "-qAt", "his", "-c", statement)


def content(his: Host) -> dict[str, str]:
    """Rows and a hash of every table of the HIS, asked of the server itself."""
    return {
        table: psql(his, f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t").strip()  # noqa: S608
        for table in psql(his, TABLES).split()
    }


@dataclass(frozen=True)
class Disaster:
    """What there was on the last good night, and what the night in between looked like."""

    good_run: str
    content: dict[str, str]
    vault_sets: set[str]
    bad_run_cause: str


@pytest.fixture(scope="module")
def disaster(clinic: Lab, his: Host, appliance: Host) -> Disaster:
    """A good night; then the attack begins, a backup still runs in the middle of it, then everything is encrypted."""
    his.run("bash", "-ec", FORMS)
    his.run("systemctl", "start", "xinglin-backup.service", timeout_seconds=900)
    good = backup_runs(his)[0]
    assert good.outcome in {Outcome.SUCCESS, Outcome.WARNING}, good
    before = content(his)
    assert sum(int(row.partition("|")[0]) for row in before.values()) > 0
    assert encrypt(his.root / "etc/forms") == 400
    his.run("systemctl", "start", "xinglin-backup.service", timeout_seconds=900)
    bad = backup_runs(his)[0]
    vault_sets = sets(his, "offsite")
    for directory in ("etc", "home", "opt", "root", "srv", "usr/local", "var"):
        encrypt(his.root / directory)
    assert encrypt(appliance.root / REPOSITORY) > 10
    return Disaster(good.run_id, before, vault_sets, bad.cause.code if bad.cause else "")


def test_the_night_in_the_middle_of_the_attack_raises_the_alarm(disaster: Disaster):
    assert disaster.bad_run_cause == "anomaly_found"


def test_retention_waits_at_the_vault(disaster: Disaster, vault: Host):
    vault.run("systemctl", "start", "xinglin-keeper.service", timeout_seconds=900)
    state = next(item for item in read_repositories(vault.root / RECORDS / "repositories") if item.host == "his1")
    assert state.paused_since is not None
    assert {anomaly.code for anomaly in state.anomalies} & {"mass_change", "incompressible", "changed_types"}
    assert state.removed == 0


@pytest.fixture(scope="module")
def recovered(clinic: Lab, disaster: Disaster, his: Host) -> RestoreRecord:
    """The officer's steps: a new machine, provisioned, the HIS from the vault's last good set."""
    login = clinic.replace_by_bare("his1")
    first_contact = clinic.facility_directory / "first-contact.yml"
    first_contact.touch(mode=0o600)
    entries = json.loads(first_contact.read_text() or "{}") | json.loads(login.read_text())
    first_contact.write_text(json.dumps(entries))
    forget = ["ssh-keygen", "-f", str(clinic.facility_directory / "known_hosts"), "-R", his.address]
    subprocess.run(forget, check=True, capture_output=True)
    done = provision(clinic.facility_directory, "--limit", "his1")
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    chosen = ["--policy", "his", "--set", disaster.good_run, "--repository", "offsite", "--purpose", "drill"]
    shown = his.run("xinglin", "backup", "restore", *chosen, "--database", "his", "--in-place", "--dry-run")
    assert "his" in shown
    his.run(
        "xinglin", "backup", "restore", *chosen, "--database", "his", "--in-place", "--confirm", "his",
        timeout_seconds=900,
    )  # fmt: skip
    his.run("xinglin", "backup", "restore", *chosen, "--paths", "/etc/hosts", "--target", "/root/from-the-vault")
    return next(item for item in read_restores(his.root / RECORDS / "restores") if item.in_place)


def test_the_his_is_back_to_the_last_good_night(disaster: Disaster, recovered: RestoreRecord, his: Host):
    assert content(his) == disaster.content
    assert "appliance1" in his.run("cat", "/root/from-the-vault/etc/hosts")


def test_the_steps_and_times_are_on_record_and_on_the_console(clinic: Lab, recovered: RestoreRecord):
    assert recovered.outcome is Outcome.SUCCESS
    assert recovered.purpose is Purpose.DRILL
    assert recovered.repository == "offsite"
    assert recovered.as_of is not None
    assert recovered.finished_at is not None
    assert len(recovered.steps) >= 3
    assert all(step.finished_at for step in recovered.steps)
    eventually("his1 is seen again", lambda: host_state(clinic, "his1") in {"ok", "warn"})
    eventually("the console has the drill", lambda: recovered.restore_id in stored_restores(clinic.host("appliance1")))


def stored_restores(appliance: Host) -> set[str]:
    """The ids of the restores that the console's store knows."""
    with sqlite3.connect(f"file:{appliance.root / STORE}?mode=ro", uri=True) as store:
        return {row[0] for row in store.execute("SELECT restore_id FROM restore")}


def test_the_local_repository_is_made_anew_and_refilled_from_the_vault(
    disaster: Disaster, recovered: RestoreRecord, his: Host, appliance: Host
):
    appliance.run("systemctl", "start", "xinglin-keeper.service", timeout_seconds=900)
    assert disaster.vault_sets <= sets(his, "local")


def test_backups_go_on_and_are_proved(recovered: RestoreRecord, his: Host):
    his.run("systemctl", "start", "xinglin-backup.service", timeout_seconds=900)
    assert backup_runs(his)[0].outcome in {Outcome.SUCCESS, Outcome.WARNING}
    his.run("systemctl", "start", "xinglin-verify.service", timeout_seconds=900)
    assert proofs(his)[0].verdict is Verdict.PASSED
    require_clean(his)
