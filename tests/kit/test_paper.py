"""What the kit says: for the machine, and on paper as a scanner sees it."""

import hashlib
import shutil
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from backup.errors import BackupError
from backup.kit import contents, document, entered, fonts, shares
from backup.kit.contents import Kit
from tests.kit.conftest import CODE, HTTP_PASSWORD


def test_the_machine_readable_form_gives_the_kit_back(kit: Kit):
    lines = list(contents.to_lines(kit))
    lines.reverse()
    assert contents.from_text("\n".join([*lines, "something else", lines[0]])) == kit
    assert contents.from_text("\n".join(lines).lower().replace("a", "a\n ")) == kit


def test_the_fingerprint_is_openssls(kit: Kit):
    said = subprocess.run(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha256"],
        input=kit.ca,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip().partition("=")[2] == kit.ca_sha256


def test_a_mistyped_or_missing_line_is_named(kit: Kit):
    first, second, *rest = contents.to_lines(kit)
    with pytest.raises(BackupError, match="missing or not as printed: 2"):
        contents.from_text("\n".join([first, second.replace("A", "B"), *rest]))
    with pytest.raises(BackupError, match="missing or not as printed: 1, 2"):
        contents.from_text("\n".join(rest))
    with pytest.raises(BackupError, match="no line with XINGLIN1"):
        contents.from_text("")


def test_lines_of_two_kits_are_not_mixed(kit: Kit):
    longer = replace(kit, repositories=kit.repositories * 20, number="".join(map(str, range(500))))
    with pytest.raises(BackupError, match="different kits"):
        contents.from_text("\n".join([*contents.to_lines(kit), *contents.to_lines(longer)]))
    alike = replace(kit, number="qinghe-20261124-c3d4")
    with pytest.raises(BackupError, match="kit_unreadable"):
        contents.from_text("\n".join([contents.to_lines(kit)[0], *contents.to_lines(alike)[1:]]))


def test_the_http_passwords_are_not_shown_by_accident(kit: Kit):
    assert HTTP_PASSWORD not in repr(kit)


def test_a_machine_without_the_font_is_told_which_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fonts, "find", lambda: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(BackupError) as raised:
        fonts.require()
    assert raised.value.cause.code == "font_missing"


@pytest.mark.parametrize("split", [False, True])
def test_the_scanned_paper_is_all_that_a_rebuild_reads(kit: Kit, font: fonts.Font, tmp_path: Path, split: bool):
    if not (shutil.which("zbarimg") and shutil.which("pdftoppm")):
        pytest.skip("no scanner here (apt-get install zbar-tools poppler-utils)")
    target = tmp_path / "kit.pdf"
    document.write(kit, CODE, shares.split(CODE) if split else (), font, target)
    scanned = scan(target)
    assert contents.from_text(scanned) == kit
    assert entered.find(scanned) == CODE
    assert (CODE in scanned) is not split


def test_the_paper_says_it_in_both_languages_and_names_every_place(kit: Kit, font: fonts.Font, tmp_path: Path):
    if not shutil.which("pdftotext"):
        pytest.skip("no pdftotext here (apt-get install poppler-utils)")
    target = tmp_path / "kit.pdf"
    written = document.write(kit, CODE, (), font, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert hashlib.sha256(written).digest() == hashlib.sha256(target.read_bytes()).digest()
    text = subprocess.run(["pdftotext", "-layout", target, "-"], capture_output=True, text=True, check=True).stdout
    for expected in (
        "备份恢复套件", "Recovery kit", "清河镇卫生院", kit.number, CODE[:23], CODE[24:], "198.18.0.70:8000",
        HTTP_PASSWORD,
        kit.ca_sha256[:40], "SHA256:", "保管人一", "First keeper", "xinglin backup rebuild", "restic restore latest",
        "BEGIN CERTIFICATE", "his.dump",
    ):  # fmt: skip
        assert expected in text, expected
    assert "�" not in text


def test_a_split_code_is_on_no_page(kit: Kit, font: fonts.Font, tmp_path: Path):
    if not shutil.which("pdftotext"):
        pytest.skip("no pdftotext here (apt-get install poppler-utils)")
    target = tmp_path / "kit.pdf"
    made = shares.split(CODE)
    document.write(kit, CODE, made, font, target)
    text = subprocess.run(["pdftotext", "-layout", target, "-"], capture_output=True, text=True, check=True).stdout
    assert CODE[:23] not in text
    assert text.count("份额") > 3
    for word in made[0].split():
        assert word in text


def test_another_file_is_never_overwritten(kit: Kit, font: fonts.Font, tmp_path: Path):
    target = tmp_path / "kit.pdf"
    target.write_text("mine")
    with pytest.raises(FileExistsError):
        document.write(kit, CODE, (), font, target)
    assert target.read_text() == "mine"


def scan(pdf: Path) -> str:
    """Return what a scanner reads from the printed pages."""
    subprocess.run(["pdftoppm", "-r", "200", "-png", pdf, pdf.with_suffix("")], check=True)
    pages = sorted(pdf.parent.glob(f"{pdf.stem}-*.png"))
    # Its exit code 4 only says that some page has no code.
    return subprocess.run(["zbarimg", "--quiet", "--raw", *pages], capture_output=True, text=True, check=False).stdout
