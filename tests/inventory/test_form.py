"""Files that can't be read as YAML, or that Ansible would read differently."""

import datetime as dt
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader

from inventory.document import parse_document
from inventory.loader import FacilityError, load_facility

HERE = Path("x.yml")


@pytest.mark.parametrize(
    ("content", "lines", "problem"),
    [
        (b"a:\n  b: 1\n\tc: 2\n\td: 3\n", [3, 4], "the indentation has a tab"),
        (b"a: 1\nb: \xb0\xa2\n", [2], "is not UTF-8"),
        (b"a: 1\nb: [1,\n", [3], "is not YAML"),
        (b"a: 1\nb: c: d\n", [2], "is not YAML"),
        (b"a: 1\nb: \x01\n", [2], "has a character"),
        (b"# nothing\n", [1], "is empty"),
        (b"---\n- a\n", [2], "is not a mapping"),
        (b"a: 1\n2: b\n", [2], "the key 2 is not text"),
        (b"a: 1\nb: 1\na: 2\nb: 2\n", [3, 4], "the key is already on line"),
        (b"a: 1\nb: !vault x\n", [2], "the tag !vault"),
        (b"a: 1\nb: 2026-02-30\n", [2], "2026-02-30 is not a value"),
        (b"a: 1\n---\nb: 2\n", [2], "is not YAML"),
    ],
)
def test_a_malformed_file_is_answered_with_its_lines(content: bytes, lines: list[int], problem: str):
    found = parse_document(HERE, content).mistakes
    assert [mistake.line for mistake in found] == lines, found
    assert all(problem in mistake.problem for mistake in found), found


def test_a_tab_inside_text_is_no_mistake():
    document = parse_document(HERE, b"a: |\n  one\n  \ttwo\n")
    assert document.mistakes == []
    assert document.data == {"a": "one\n\ttwo\n"}


def test_a_mistake_in_a_secret_file_shows_no_piece_of_it():
    for content in (b"a: 'hunter2\n", b"hunter2: [", b"a: *hunter2\n", b"? [hunter2]\n: 1\n", b"a: 2026-02-3777\n"):
        for mistake in parse_document(HERE, content, secret=True).mistakes:
            assert "hunter2" not in str(mistake)
            assert "3777" not in str(mistake)


SCALARS = (
    *("12:30", "02:00", "190:20:30", "yes", "No", "on", "off", "true", "True", "y", "~", "null", "010", "08", "0x1f"),
    *(
        "0b11",
        "1_000",
        "+1",
        "1.5",
        "1e3",
        "1.0e+3",
        ".inf",
        "1.2.3",
        "2027-06-30",
        "2027-06-30T02:00:00Z",
        "'12'",
    ),
)


@pytest.mark.parametrize("scalar", SCALARS)
def test_a_scalar_means_what_ansible_reads(scalar: str):
    expected = DataLoader().load(f"a: {scalar}\n")
    assert parse_document(HERE, f"a: {scalar}\n".encode()).data == expected


def test_dates_are_dates():
    assert parse_document(HERE, b"a: 2027-06-30\n").data == {"a": dt.date(2027, 6, 30)}


def test_an_unreadable_hosts_file_still_lets_the_other_file_be_checked(clinic: Path):
    (clinic / "hosts.yml").write_text("all: [\n", encoding="utf-8")
    variables = clinic / "group_vars/all/facility.yml"
    variables.write_text(variables.read_text(encoding="utf-8").replace("mlps_level: 2", "mlps_level: 5"), "utf-8")
    with pytest.raises(FacilityError) as caught:
        load_facility(clinic)
    assert [(m.file.name, m.line) for m in caught.value.mistakes] == [("facility.yml", 7), ("hosts.yml", 2)]


@pytest.mark.parametrize("name", ["hosts.yml", "group_vars/all/facility.yml"])
def test_a_missing_file_is_one_mistake(name: str, clinic: Path):
    (clinic / name).unlink()
    with pytest.raises(FacilityError) as caught:
        load_facility(clinic)
    assert [(m.file, m.problem) for m in caught.value.mistakes] == [
        (clinic / name, "can't be read: No such file or directory")
    ]


@pytest.mark.parametrize("name", ["group_vars/all/more.yml", "group_vars/appliance.yml", "host_vars/his1.yml"])
def test_a_file_that_only_ansible_would_read_is_refused(name: str, clinic: Path):
    (clinic / name).parent.mkdir(exist_ok=True)
    (clinic / name).write_text("a: 1\n", encoding="utf-8")
    with pytest.raises(FacilityError) as caught:
        load_facility(clinic)
    assert [m.file for m in caught.value.mistakes] == [clinic / name]
