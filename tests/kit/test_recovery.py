"""The operator's side of the kit, as far as it needs no host: what is gathered, listed, refused."""

import hashlib
import json
import shutil
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from backup.kit import document, fonts, seal
from backup.kit.contents import Kit
from inventory.create import make_secrets
from inventory.loader import Facility, load_facility
from inventory.vault import decrypt, encrypt
from playbooks.filter_plugins.repository import repository_http_password
from playbooks.lookup_plugins.facility_files import copies
from playbooks.recovery import arrival, fetched, further, gather, ledger, make, proof, rebuild, revoke
from playbooks.recovery.cli import recovery_kit
from playbooks.recovery.ledger import Entry, KitKey
from playbooks.recovery.remote import RecoveryError
from tests.backup.servers import Authority
from tests.kit.conftest import CODE

BUCKET_SECRET = "Zq8vT3mW1xKc7RbN5yHd2LsJ9pGf4AuE6tQo0ViX"

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
EXAMPLE = Path(__file__).parents[2] / "inventory" / "qinghe"


@pytest.fixture
def facility(tmp_path: Path) -> Facility:
    """The example clinic on loopback addresses, where no host answers."""
    directory = tmp_path / "facility"
    shutil.copytree(EXAMPLE, directory)
    for path in directory.rglob("*.yml"):
        path.write_text(path.read_text(encoding="utf-8").replace("198.18.0.", "127.9.9."), encoding="utf-8")
    make_secrets(directory)
    shutil.copy(Authority(tmp_path).certificate, directory / "ca.crt")
    (directory / "known_hosts").write_text("127.9.9.10 ssh-ed25519 AAAA\n127.9.9.70 ssh-ed25519 BBBB\n")
    return load_facility(directory)


def entry(number: str, *key_ids: str) -> Entry:
    return Entry(number, "2026-11-23T05:00:00.000Z", "chenfang", False, "ab" * 32,
                 tuple(KitKey("his1", "local", key_id) for key_id in key_ids))  # fmt: skip


def test_a_kit_is_gathered_from_the_facilitys_directory_alone(facility: Facility):
    kit = gather.kit(facility, "qinghe-1", NOW)
    assert (kit.server.name, kit.server.address, kit.appliance.name) == ("vault1", "127.9.9.70", "appliance1")
    assert kit.server.known_hosts == ("127.9.9.70 ssh-ed25519 BBBB",)
    assert {repository.host for repository in kit.repositories} == {"appliance1", "his1"}
    secret = gather.vault_secret(facility.directory, "vault_backup_http_secret")
    assert kit.repository("his1").http_password == repository_http_password(secret, "vault1", "his1")
    assert kit.repository("his1").url == "rest:https://127.9.9.70:8000/his1/"


def test_a_facility_that_was_never_set_up_has_no_kit(facility: Facility):
    (facility.directory / "ca.crt").unlink()
    with pytest.raises(RecoveryError, match="xinglin provision"):
        gather.kit(facility, "qinghe-1", NOW)


def test_a_kit_is_whole_or_nothing_is_printed(facility: Facility, tmp_path: Path):
    if fonts.find() is None:
        pytest.skip(f"no font with Chinese (apt-get install {fonts.PACKAGE})")
    pdf = tmp_path / "kit.pdf"
    with pytest.raises(RecoveryError, match=r"no kit was printed(.|\n)*his1") as raised:
        make.make(facility, pdf, False, lambda _: None)
    assert not pdf.exists()
    (listed,) = ledger.read(facility.directory)
    assert listed.sha256 == ""
    assert f"--revoke {listed.number}" in str(raised.value)


def test_the_list_of_kits_holds_no_secret_and_reads_back(facility: Facility):
    entries = (entry("qinghe-1", "a" * 64), entry("qinghe-2", "b" * 64))
    ledger.write(facility.directory, entries)
    assert ledger.read(facility.directory) == entries
    assert stat.S_IMODE((facility.directory / "recovery.json").stat().st_mode) == 0o600
    load_facility(facility.directory)


def test_a_drill_is_noted_at_the_kit_that_opened(facility: Facility):
    entries, kit = ledger.drilled((entry("qinghe-1", "a"), entry("qinghe-2", "b")), {"b"}, NOW, "chenfang", 4)
    assert kit is not None
    assert kit.number == "qinghe-2"
    assert entries[1].drills == ({"at": "2026-11-23T05:00:00.000Z", "by": "chenfang", "opened": 1, "of": 4},)
    assert ledger.drilled(entries, {"c"}, NOW, "chenfang", 4) == (entries, None)


def test_a_list_of_another_form_is_refused(facility: Facility):
    (facility.directory / "recovery.json").write_text('{"schema": 1, "kits": [{}]}')
    with pytest.raises(ValueError, match=r"recovery\.json"):
        ledger.read(facility.directory)


def test_an_old_kit_is_found_by_its_number_or_by_one_of_its_keys():
    entries = (entry("qinghe-1", "a" * 64), entry("qinghe-2", "b" * 64))
    assert revoke.find(entries, "qinghe-2") == entries[1]
    assert revoke.find(entries, "aaaaaaaa") == entries[0]
    for wanted in ("qinghe-3", "a", ""):
        with pytest.raises(RecoveryError, match="no kit"):
            revoke.find(entries, wanted)


def test_the_appliances_copy_keeps_the_vault_encrypted_and_first_logins_out(facility: Facility):
    (facility.directory / "first-contact.yml").write_text("his1: {user: root, password: x}\n")
    found = {item["path"]: item for item in copies(facility.directory, "/etc/xinglin/facility", "operator_ed25519")}
    names = {path.removeprefix("/etc/xinglin/facility/") for path in found}
    assert {
        ".vault-password",
        "operator_ed25519",
        "operator_ed25519.pub",
        "hosts.yml",
        "known_hosts",
        "ca.crt",
    } <= names
    assert "first-contact.yml" not in names
    assert found["/etc/xinglin/facility/group_vars/all/vault.yml"]["content"].startswith("$ANSIBLE_VAULT")
    assert {item["mode"] for item in found.values()} == {"0600"}


COPIES = """\
backup_copies:
  - {name: disks, disk: {labels: [xinglin-a, xinglin-b]}, retention: {keep_within: 90d}}
  - name: cloud
    s3: {url: "https://s3.example.com", bucket: qinghe, key_id: AKID, secret: vault_bucket}
    retention: {keep_within: 30d}
"""


@pytest.fixture
def with_copies(facility: Facility) -> Facility:
    """The clinic with disks and a bucket."""
    variables = facility.directory / "group_vars/all/facility.yml"
    variables.write_text(variables.read_text(encoding="utf-8").replace("backup_copies: []\n", COPIES), encoding="utf-8")
    password = (facility.directory / ".vault-password").read_bytes().strip()
    file = facility.directory / "group_vars/all/vault.yml"
    plain = decrypt(file.read_bytes(), password).rstrip(b"\n") + f"\nvault_bucket: {BUCKET_SECRET}\n".encode()
    file.write_bytes(encrypt(plain, password))
    return load_facility(facility.directory)


def test_the_copies_secrets_are_sealed_with_the_code(with_copies: Facility):
    found = further.copies(with_copies, CODE)
    assert found is not None
    assert found.hosts == tuple(host.name for host in gather.backed_up(with_copies))
    assert [place.name for place in found.places] == ["disks", "cloud"]
    password = gather.vault_secret(with_copies.directory, "vault_repository_password")
    opened = seal.unseal(found.sealed, CODE).splitlines()
    assert opened[:2] == [f"RESTIC_PASSWORD={password}", f"SECRET_OF_CLOUD={BUCKET_SECRET}"]
    assert password not in repr(found)


def test_a_facility_without_copies_seals_nothing(facility: Facility):
    assert further.copies(facility, CODE) is None


def made_by(facility: Facility, target: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Entry, dict[str, object]]:
    """Make a kit whose hosts all take the code; return its entry and what was printed."""
    printed: dict[str, object] = {}

    def write(kit: Kit, code: str, *_: object) -> bytes:
        printed.update(kit=kit, code=code)
        return b"paper"

    monkeypatch.setattr(document, "write", write)
    monkeypatch.setattr(fonts, "require", lambda: None)
    monkeypatch.setattr(make, "add", lambda *_: {"his1": [{"repository": "local", "key_id": "a" * 64, "cause": None}]})
    return make.make(facility, target, False, lambda _: None).entry, printed


def test_the_kit_that_is_printed_holds_the_copies_and_the_list_says_so(
    with_copies: Facility, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    listed, printed = made_by(with_copies, tmp_path / "kit.pdf", monkeypatch)
    kit, code = printed["kit"], printed["code"]
    assert isinstance(kit, Kit)
    assert kit.copies is not None
    assert seal.unseal(kit.copies.sealed, str(code)).startswith("RESTIC_PASSWORD=")
    assert listed.sealed
    assert ledger.read(with_copies.directory) == (listed,)
    said = CliRunner().invoke(recovery_kit, [str(with_copies.directory), "--revoke", listed.number], input="n\n")
    assert "does not take away" in said.output


def test_the_kit_of_a_facility_without_copies_is_as_before(
    facility: Facility, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    listed, printed = made_by(facility, tmp_path / "kit.pdf", monkeypatch)
    assert isinstance(printed["kit"], Kit)
    assert printed["kit"] == gather.kit(facility, listed.number, printed["kit"].made_at)
    assert not listed.sealed
    said = CliRunner().invoke(recovery_kit, [str(facility.directory), "--revoke", listed.number], input="n\n")
    assert "opens nothing any more" in said.output


def test_a_list_of_kits_from_before_the_copies_reads_back(facility: Facility):
    ledger.write(facility.directory, (entry("qinghe-1", "a" * 64),))
    file = facility.directory / "recovery.json"
    data = json.loads(file.read_text())
    del data["kits"][0]["sealed"]
    file.write_text(json.dumps(data))
    assert ledger.read(facility.directory) == (entry("qinghe-1", "a" * 64),)


def test_a_rebuild_writes_over_nothing(facility: Facility, kit: Kit, tmp_path: Path):
    assert arrival.begun(kit, tmp_path / "new") is None
    begun = arrival.begun(kit, facility.directory)
    assert begun is not None
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(RecoveryError, match="no whole facility"):
        arrival.begun(kit, tmp_path / "full")


def test_a_kit_without_a_vault_rebuilds_nothing(kit: Kit, tmp_path: Path):
    alone = Kit(**{**vars(kit), "server": kit.appliance})
    source = rebuild.Source(alone, "", tmp_path / "new", None, lambda _: None)
    with pytest.raises(RecoveryError, match="no vault"):
        rebuild.rebuild(source, lambda _: None)


def test_a_kit_that_rests_on_its_copies_says_where_to_go_on(kit_with_copies: Kit, tmp_path: Path):
    source = rebuild.Source(kit_with_copies, "", tmp_path / "new", None, lambda _: None)
    with pytest.raises(RecoveryError, match="page of further copies"):
        rebuild.rebuild(source, lambda _: None)


def prove(root: Path, asked: dict[str, object]) -> list[str]:
    """Run the proof as the bare machine does: by its own Python, as text, with nothing of ours to import."""
    script = Path(proof.__file__).read_text()
    command = [sys.executable, "-I", "-c", script, str(root)]
    said = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True)
    found: list[str] = json.loads(said.stdout)
    return found


def test_what_was_restored_is_compared_with_its_manifest(tmp_path: Path):
    good, bad, changed = (tmp_path / name for name in ("good", "bad", "changed"))
    for path in (good, bad, changed):
        path.write_text("as it was")
    digest = hashlib.sha256(b"as it was").hexdigest()
    files = [[f"/{path.name}", path.stat().st_mtime_ns, digest] for path in (good, bad, changed)]
    files.append(["/gone", 0, digest])
    times = bad.stat().st_mtime_ns
    bad.write_text("encrypted")
    subprocess.run(["touch", "-d", f"@{times / 1e9:.9f}", bad], check=True)
    files[1][1] = bad.stat().st_mtime_ns
    files[2][1] = 1
    assert prove(tmp_path, {"files": files, "databases": []}) == [
        "/bad has other content",
        "/gone: No such file or directory",
    ]


def test_a_restored_store_is_compared_table_by_table(tmp_path: Path):
    copy = tmp_path / "console.db.sqlite"
    with sqlite3.connect(copy) as store:
        store.execute("CREATE TABLE account (name TEXT)")
        store.execute("INSERT INTO account VALUES ('chenfang')")
    query = 'SELECT quote("name") FROM "account"'
    digest = hashlib.sha256(b"'chenfang'\n").hexdigest()
    table = {"query": query, "rows": 1, "sha256": digest}
    assert prove(tmp_path, {"files": [], "databases": [[f"/{copy.name}", {"account": table}]]}) == []
    wrong = {"account": {**table, "sha256": "0" * 64}}
    assert prove(tmp_path, {"files": [], "databases": [[f"/{copy.name}", wrong]]}) == ["table account differs"]
    missing = {"patient": {**table, "query": 'SELECT * FROM "patient"'}}
    assert "no such table" in prove(tmp_path, {"files": [], "databases": [[f"/{copy.name}", missing]]})[0]


def test_nothing_secret_is_shown_by_accident(kit: Kit, facility: Facility):
    machine = gather.targets(facility, [facility.appliance])[0]
    assert "XXXXX" not in repr(fetched.Vault(machine, kit, "XXXXX-YYYYY"))
