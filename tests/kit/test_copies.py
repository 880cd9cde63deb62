"""What the kit says of further copies, and that plain OpenSSL and plain restic do the rest with it."""

import json
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from backup.config.policy import Retention
from backup.errors import BackupError
from backup.keeper import copy_target
from backup.keeper.config import KeeperConfig, Kept
from backup.keeper.copy_config import S3, Copy, Disks, Sftp
from backup.kit import code, contents, copy_commands, copy_page, document, entered, fonts, lines, seal, shares
from backup.kit.contents import Kit
from backup.kit.copies import Copies, DiskCopy, S3Copy, SftpCopy
from backup.status import format_time
from playbooks.recovery.cli import recovery_kit
from tests.kit.conftest import BUCKET_SECRET, CODE, PASSWORD
from tests.kit.test_paper import scan

OTHER_CODE = code.write(bytes(range(1, 21)))


def openssl(directory: Path, sealed: str, password: str) -> "subprocess.CompletedProcess[bytes]":
    """Run the printed command; what a person types at its prompt comes on stdin."""
    (directory / "sealed.txt").write_text(sealed)
    command = [*seal.COMMAND.split(), "-in", "sealed.txt", "-pass", "stdin"]
    return subprocess.run(command, cwd=directory, input=f"{password}\n".encode(), capture_output=True, check=False)


def shell(directory: Path, script: str) -> str:
    done = subprocess.run(["sh", "-eu", "-c", script], cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def copies_of(kit: Kit) -> Copies:
    assert kit.copies is not None
    return kit.copies


@pytest.mark.parametrize("split", [False, True])
def test_openssl_opens_what_the_kit_holds_and_the_shell_reads_it(kit_with_copies: Kit, tmp_path: Path, split: bool):
    found = contents.from_text("\n".join(contents.to_lines(kit_with_copies)))
    typed = entered.find("\n".join(shares.split(CODE)[1:]) if split else CODE.lower())
    assert typed is not None
    done = openssl(tmp_path, copies_of(found).sealed, typed)
    assert done.returncode == 0, done.stderr
    (tmp_path / "opened.txt").write_bytes(done.stdout)
    said = shell(tmp_path, '. ./opened.txt && printf "%s\\n%s\\n" "$RESTIC_PASSWORD" "$SECRET_OF_CLOUD_1"')
    assert said == f"{PASSWORD}\n{BUCKET_SECRET}\n"
    digest, shown = shell(tmp_path, "head -n -1 opened.txt | sha256sum; tail -n 1 opened.txt").splitlines()
    assert digest.split()[0] == shown.split()[-1]
    assert seal.unseal(copies_of(found).sealed, typed).encode() == done.stdout


def test_another_code_opens_nothing(kit_with_copies: Kit, tmp_path: Path):
    sealed = copies_of(kit_with_copies).sealed
    done = openssl(tmp_path, sealed, OTHER_CODE)
    assert PASSWORD.encode() not in done.stdout
    with pytest.raises(BackupError) as raised:
        seal.unseal(sealed, OTHER_CODE)
    assert raised.value.cause.code == "kit_not_opened"
    assert OTHER_CODE not in str(raised.value)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows[:-1],
        lambda rows: rows[1:],
        lambda rows: [rows[1], rows[0], *rows[2:]],
        lambda rows: [*rows[:2], ("B" if rows[2][0] == "A" else "A") + rows[2][1:], *rows[3:]],
        lambda rows: [rows[0].replace("U2Fs", "U2Ft"), *rows[1:]],
        lambda rows: [*rows[:2], rows[2][:-1], *rows[3:]],
        lambda rows: [*rows[:-1], rows[-1] + "!"],
        lambda _: [],
    ],
)
def test_a_mistyped_text_is_noticed(kit_with_copies: Kit, spoil: Callable[[list[str]], list[str]]):
    rows = copies_of(kit_with_copies).sealed.splitlines()
    assert seal.unseal("  \n".join(rows), CODE).startswith("RESTIC_PASSWORD=")
    with pytest.raises(BackupError) as raised:
        seal.unseal("\n".join(spoil(rows)), CODE)
    assert raised.value.cause.code == "kit_not_opened"


def test_a_text_that_openssl_opens_all_the_same_is_told_by_its_last_line(kit_with_copies: Kit, tmp_path: Path):
    rows = copies_of(kit_with_copies).sealed.splitlines()
    rows[1] = ("B" if rows[1][0] == "A" else "A") + rows[1][1:]
    done = openssl(tmp_path, "".join(f"{row}\n" for row in rows), CODE)
    assert done.returncode == 0
    (tmp_path / "opened.txt").write_bytes(done.stdout)
    digest = shell(tmp_path, "head -n -1 opened.txt | sha256sum").split()[0]
    assert digest.encode() not in done.stdout


def test_nothing_is_sealed_twice_alike():
    first, second = (seal.seal({"RESTIC_PASSWORD": PASSWORD}, CODE) for _ in range(2))
    assert not set(first.splitlines()[1:]) & set(second.splitlines())


def test_a_kit_with_copies_comes_back_from_its_lines(kit_with_copies: Kit):
    rows = contents.to_lines(kit_with_copies)
    assert contents.from_text("\n".join(reversed(rows))) == kit_with_copies
    assert all(re.fullmatch(r"[A-Z0-9/]{1,520}", row) for row in rows)
    assert json.loads(lines.read("\n".join(rows)))["schema"] == 2


def test_a_kit_without_copies_is_the_one_that_it_was(kit: Kit):
    """Its content is spelled out here as the first release wrote it."""
    base64_of = "".join(kit.ca.strip().splitlines()[1:-1])
    data = asdict(kit) | {"ca": base64_of, "schema": 1, "made_at": format_time(kit.made_at)}
    del data["copies"]
    old = lines.write(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
    assert contents.to_lines(kit) == old
    assert contents.from_text("\n".join(old)) == kit


@pytest.mark.parametrize(("schema", "kept"), [(1, True), (2, False), (3, True)])
def test_a_kit_that_claims_another_schema_is_refused(kit_with_copies: Kit, schema: int, kept: bool):
    data = json.loads(lines.read("\n".join(contents.to_lines(kit_with_copies)))) | {"schema": schema}
    if not kept:
        del data["copies"]
    with pytest.raises(BackupError, match="not a kit of schema 1 or 2"):
        contents.from_text("\n".join(lines.write(json.dumps(data).encode())))


def test_the_kit_names_the_repositories_as_the_keeper_does(kit_with_copies: Kit, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text(BUCKET_SECRET)
    keeper = KeeperConfig("appliance1", "local", tmp_path, (Kept("his1", {}, None),), secret, secret, tmp_path,
                          tmp_path, 0, "Asia/Shanghai")  # fmt: skip
    disks, partner, bucket = copies_of(kit_with_copies).places
    assert isinstance(disks, DiskCopy)
    assert isinstance(partner, SftpCopy)
    assert isinstance(bucket, S3Copy)
    for place, label, where in (
        (disks, "xinglin-b", Disks({label: Path("/mnt") for label in disks.labels})),
        (partner, None, Sftp(partner.host, partner.port, partner.user, partner.path, secret, secret)),
        (bucket, None, S3(bucket.provider, bucket.bucket, bucket.key_id, secret)),
    ):
        copy = Copy(place.name, Retention(timedelta(days=90)), where)
        assert place.url("his1") == copy_target.repository_of(keeper, copy, "his1", label).url


def test_each_place_is_reached_by_commands_that_the_shell_takes(kit_with_copies: Kit, tmp_path: Path):
    disks, partner, bucket = (copy_commands.reach(place, "his1") for place in copies_of(kit_with_copies).places)
    show = '\nprintf "%s\\n" "$RESTIC_REPOSITORY"'
    quiet = "mount() { :; }; ssh-keygen() { :; }; HOME=.; mkdir .ssh; SECRET_OF_CLOUD_1='it is secret'\n"
    (tmp_path / "bin").mkdir()
    for name in ("mount", "ssh-keygen"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / name).chmod(0o755)
    quiet = f"PATH={tmp_path}/bin:$PATH; HOME={tmp_path}; mkdir -p ~/.ssh; SECRET_OF_CLOUD_1='it is secret'\n"
    assert shell(tmp_path, quiet + disks + show) == "/mnt/xinglin/his1\n"
    assert "xinglin-b" in disks
    assert shell(tmp_path, quiet + partner + show) == "sftp://qinghe@198.51.100.7:2222//srv/qinghe/his1\n"
    known = (tmp_path / ".ssh/known_hosts").read_text()
    assert re.fullmatch(r"\[198\.51\.100\.7\]:2222 ssh-ed25519 AAAA\S+\n", known)
    secret = '\nprintf "%s\\n" "$AWS_SECRET_ACCESS_KEY"'
    assert shell(tmp_path, quiet + bucket + show + secret) == (
        "s3:https://s3.example.com/qinghe/copies/his1\nit is secret\n"
    )


def test_plain_restic_brings_the_facility_back_with_what_was_unsealed(
    kit_with_copies: Kit, restic_on_path: None, tmp_path: Path
):
    """The printed commands, but for the places that only a real machine has."""
    facility = tmp_path / "etc/xinglin/facility"
    facility.mkdir(parents=True)
    (facility / ".vault-password").write_text("it opens the vault")
    (facility / "known_hosts").write_text("198.18.0.10 ssh-ed25519 AAAA\n198.18.0.70 ssh-ed25519 AAAA\n")
    environment = f"export RESTIC_PASSWORD={PASSWORD} RESTIC_CACHE_DIR={tmp_path}/cache\n"
    disk, new = tmp_path / "disk", tmp_path / "new"
    for host in copies_of(kit_with_copies).hosts:
        there = f"-r {disk}/xinglin/{host}"
        shell(tmp_path, f"{environment}restic init {there}; restic backup {there} --tag kind=set {tmp_path}/etc")
        shell(tmp_path, f"{environment}restic init -r {new}/{host}")
    (tmp_path / "opened.txt").write_text(seal.unseal(copies_of(kit_with_copies).sealed, CODE))
    before = sorted(disk.rglob("*"))

    def printed(text: str) -> str:
        for real, here in (("/mnt", disk), ("/restore", tmp_path / "restore"), (copy_commands.REPOSITORIES, new)):
            text = text.replace(real, str(here))
        return text.replace("xinglin-repository:", "$(id -u):$(id -g)")

    sections = {
        section.title.en: section.commands
        for section in copy_commands.sections(kit_with_copies, copies_of(kit_with_copies))
    }
    opened = f"export RESTIC_CACHE_DIR={tmp_path}/cache\n" + sections["Open the sealed text"].splitlines()[-1]
    reached = f"{opened}\nexport RESTIC_REPOSITORY=/mnt/xinglin/appliance1\n"
    restored = f"cp -r /restore{facility.parent.parent.parent}/etc /restore/etc\n"
    first, second, *rest = sections["Take the appliance's data back"].splitlines()
    shell(tmp_path, printed("\n".join([reached, first, second, restored, *rest])))
    assert (tmp_path / "facility/.vault-password").read_text() == "it opens the vault"
    assert (tmp_path / "facility/known_hosts").read_text() == "198.18.0.70 ssh-ed25519 AAAA\n"
    shell(tmp_path, printed(reached + sections["Refill the new appliance"]))
    assert sorted(disk.rglob("*")) == before
    assert not (tmp_path / "opened.txt").exists()
    listed = shell(tmp_path, f"{environment}restic snapshots --json --tag kind=set -r {new}/his1")
    assert len(json.loads(listed)) == 1
    shell(tmp_path, f"{environment}restic check --read-data -r {new}/his1")


def test_the_command_opens_the_kit_with_two_shares_and_writes_over_nothing(kit_with_copies: Kit, tmp_path: Path):
    text = "\n".join([*contents.to_lines(kit_with_copies), *shares.split(CODE)[:2]])
    target = tmp_path / "opened.txt"
    arguments = ["--open", "-", "--output", str(target)]
    done = CliRunner().invoke(recovery_kit, arguments, input=text)
    assert done.exit_code == 0, done.output
    assert target.read_text() == seal.unseal(copies_of(kit_with_copies).sealed, CODE)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert PASSWORD not in done.output
    target.write_text("mine")
    assert CliRunner().invoke(recovery_kit, arguments, input=text).exit_code == 2
    assert target.read_text() == "mine"


def test_the_command_refuses_another_code_and_a_kit_that_seals_nothing(kit: Kit, kit_with_copies: Kit, tmp_path: Path):
    target = tmp_path / "opened.txt"
    for opened, secret, word in ((kit_with_copies, OTHER_CODE, "does not open"), (kit, CODE, "nothing sealed")):
        text = "\n".join([*contents.to_lines(opened), secret])
        done = CliRunner().invoke(recovery_kit, ["--open", "-", "--output", str(target)], input=text)
        assert done.exit_code == 3
        assert word in done.output
        assert not target.exists()


@pytest.fixture
def needs_a_scanner() -> None:
    if not all(map(shutil.which, ("zbarimg", "pdftoppm", "pdftotext"))):
        pytest.skip("no scanner here (apt-get install zbar-tools poppler-utils)")


@pytest.mark.usefixtures("needs_a_scanner")
def test_the_scanned_paper_opens(kit_with_copies: Kit, font: fonts.Font, tmp_path: Path):
    """With so much sealed that it takes two QR codes."""
    sealed = seal.seal({"RESTIC_PASSWORD": PASSWORD, "SECRET_OF_CLOUD_1": PASSWORD * 3}, CODE)
    kit = replace(kit_with_copies, copies=replace(copies_of(kit_with_copies), sealed=sealed))
    target = tmp_path / "kit.pdf"
    document.write(kit, CODE, (), font, target)
    scanned = scan(target)
    assert contents.from_text(scanned) == kit
    assert entered.find(scanned) == CODE
    assert len(sealed.splitlines()) > copy_page.ROWS_IN_CODE
    assert sorted(row for row in scanned.splitlines() if row and row in sealed) == sorted(sealed.splitlines())


@pytest.mark.usefixtures("needs_a_scanner")
@pytest.mark.parametrize("split", [False, True])
def test_the_page_says_it_in_both_languages(kit_with_copies: Kit, font: fonts.Font, tmp_path: Path, split: bool):
    target = tmp_path / "kit.pdf"
    document.write(kit_with_copies, CODE, shares.split(CODE) if split else (), font, target)
    text = subprocess.run(["pdftotext", "-layout", target, "-"], capture_output=True, text=True, check=True).stdout
    for expected in (
        "其他副本", "Further copies", "本院没有异地库", "This facility has no vault", "密封内容", "The sealed text",
        "xinglin-a, xinglin-b", "/mnt/xinglin/his1", "198.51.100.7:2222", "/srv/qinghe", "SHA256:",
        "qinghe/copies", "https://s3.example.com", "AKID", "openssl enc -d -aes-256-cbc", "RESTIC_PASSWORD",
        "手工重建一体机", "A new appliance, by hand", *copies_of(kit_with_copies).sealed.splitlines(),
    ):  # fmt: skip
        assert expected in text, expected
    for secret in (PASSWORD, BUCKET_SECRET, "xinglin backup rebuild", *([CODE[:23]] if split else [])):
        assert secret not in text, secret
    assert "�" not in text


@pytest.mark.usefixtures("needs_a_scanner")
def test_a_vault_stays_the_shortest_way(kit: Kit, kit_with_copies: Kit, font: fonts.Font, tmp_path: Path):
    target = tmp_path / "kit.pdf"
    document.write(replace(kit, copies=kit_with_copies.copies), CODE, (), font, target)
    text = subprocess.run(["pdftotext", "-layout", target, "-"], capture_output=True, text=True, check=True).stdout
    for expected in ("异地库", "xinglin backup rebuild", "其他副本", "/mnt/xinglin/his1"):
        assert expected in text, expected
