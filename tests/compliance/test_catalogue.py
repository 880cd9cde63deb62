"""The catalogue against the published figures and its own rules."""

import re
from collections import Counter
from pathlib import Path

import pytest

from compliance.catalogue import CATALOGUE_FILE, CatalogueError, Part, load_catalogue, read_catalogue

CATALOGUE = load_catalogue()
ITEMS = tuple(CATALOGUE.requirements.values())
PUBLISHED = {
    2: (15, 4, 11, 23, 4, 6, 9, 7, 25, 31),
    3: (22, 8, 20, 34, 12, 7, 14, 12, 34, 48),
}
MOBILE = {2: 14, 3: 19}
CONTROL_POINTS = {2: 68, 3: 71}


@pytest.mark.parametrize("level", [2, 3])
def test_every_layer_has_as_many_items_as_the_standard(level: int):
    counts = Counter(item.layer for item in CATALOGUE.at(level, mobile=False))
    assert tuple(counts[layer.name] for layer in CATALOGUE.layers) == PUBLISHED[level]
    assert dict(counts) == CATALOGUE.published_counts(level)


def test_the_whole_is_135_items_at_level_2_and_211_at_level_3_and_the_mobile_extension():
    assert [len(CATALOGUE.at(level, mobile=False)) for level in (2, 3)] == [135, 211]
    assert {level: len(CATALOGUE.at(level)) - len(CATALOGUE.at(level, mobile=False)) for level in (2, 3)} == MOBILE
    assert len(ITEMS) == 135 + 211 + sum(MOBILE.values())


@pytest.mark.parametrize("level", [2, 3])
def test_control_points_are_as_many_as_in_the_standard(level: int):
    points = {(item.layer, item.control_point) for item in CATALOGUE.at(level, mobile=False)}
    assert len(points) == CONTROL_POINTS[level]


def test_ids_follow_the_clauses_of_the_standard_and_their_level():
    for item in ITEMS:
        assert re.fullmatch(r"[78]\.[13](\.\d+)+(\.[a-z])?", item.id), item.id
        assert item.id.startswith("7" if item.level == 2 else "8"), item.id
        assert item.id[2] == ("1" if item.part is Part.GENERAL else "3"), item.id


def test_test_units_are_unique_and_their_numbers_have_no_gap_but_the_known_one():
    units = [item.test_unit for item in ITEMS]
    assert len(set(units)) == len(units)
    groups: dict[str, set[int]] = {}
    for unit in units:
        match = re.fullmatch(r"(L[23]-[A-Z]{3}[13])-(\d\d)", unit)
        assert match, unit
        groups.setdefault(match.group(1), set()).add(int(match.group(2)))
    gaps = {f"{group}-{n:02d}" for group, found in groups.items() for n in range(1, max(found)) if n not in found}
    assert gaps == {"L3-CES1-16"}  # GB/T 28448-2019 itself has no such unit


def test_no_item_lacks_its_words_its_source_or_its_evidence():
    for item in ITEMS:
        assert all((item.control_point, item.requirement_zh, item.gloss_en, item.source, item.evidence)), item.id
        assert item.verified, item.id


def test_counterparts_exist_at_the_other_level_and_point_back():
    for item in ITEMS:
        if item.counterpart:
            other = CATALOGUE.requirements[item.counterpart]
            assert (other.level, other.counterpart) == (5 - item.level, item.id)


def test_high_risk_cases_and_items_name_each_other_and_respect_their_scope():
    for item in ITEMS:
        assert set(item.high_risk) <= CATALOGUE.high_risk_cases.keys(), item.id
    for case in CATALOGUE.high_risk_cases.values():
        levels = {CATALOGUE.requirements[item].level for item in case.items}
        assert min(levels) >= case.scope_min_level, case.case


def test_major_risk_triggers_name_items_that_exist():
    for risk in CATALOGUE.major_risks.values():
        assert set(risk.items) <= CATALOGUE.requirements.keys(), risk.code
    assert {item.major_risk_2025 for item in ITEMS if item.major_risk_2025} <= CATALOGUE.major_risks.keys()


def test_no_weight_is_invented():
    assert {item.weight for item in ITEMS} == {None}


def test_reading_is_done_once():
    assert load_catalogue() is load_catalogue()


def test_another_level_is_refused():
    with pytest.raises(ValueError, match="level 4: the catalogue holds levels 2 and 3"):
        CATALOGUE.at(4)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("automation: auto", "automation: perhaps", "item 7.1.1"),
        ("  control_point: 物理位置选择\n", "", "item 7.1.1.1.a: TypeError"),
        ("layers:\n", "levels:\n", "layers: KeyError"),
        ("items:\n", "items: [\n", "the file: "),
    ],
)
def test_a_damaged_catalogue_is_refused_with_place_and_next_step(tmp_path: Path, old: str, new: str, place: str):
    path = tmp_path / "catalog.yaml"
    whole = CATALOGUE_FILE.read_text(encoding="utf-8")
    assert old in whole
    path.write_text(whole.replace(old, new, 1) if old != "items:\n" else whole.replace("\nitems:\n", "\nitems: [\n"))
    with pytest.raises(CatalogueError, match="Next: restore") as caught:
        read_catalogue(path)
    assert f"{path}: {place}" in str(caught.value)
