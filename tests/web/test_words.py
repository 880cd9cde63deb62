"""Every code that a page may meet has a word."""

import re
from pathlib import Path

from backup import keeper
from backup.causes import CAUSES
from backup.keeper.copy_config import S3, Disks, Sftp
from backup.kit.records import WHAT as RECOVERY_KEY
from backup.status import Outcome, Purpose, Trigger, Verdict
from compliance.catalogue import Automation, load_catalogue
from compliance.results import Verdict as ItemVerdict
from console import view
from console.policy_view import PROBE
from console.store.models import State
from console.web.words import LEGEND, NAMED, NIGHT_SHAPES, NIGHTS, RANK, STATES, WORDED
from playbooks.record import RunStatus, TaskStatus

KEEP = (Path(keeper.__file__).parent / "keep.py").read_text(encoding="utf-8")
COPIES = (Path(keeper.__file__).parent / "copies.py").read_text(encoding="utf-8")


def test_every_state_has_a_word_and_a_rank() -> None:
    assert set(STATES) == set(RANK) == set(State)


def test_every_value_of_the_other_rooms_has_a_word() -> None:
    for table, values in (
        ("outcomes", Outcome),
        ("rounds", Outcome),
        ("proofs", Verdict),
        ("answers", Verdict),
        ("runs", RunStatus),
        ("tasks", TaskStatus),
        ("verdicts", ItemVerdict),
    ):
        assert {value.value for value in values} - set(WORDED[table]) == set(), table
    assert {trigger.value for trigger in Trigger} == set(NAMED["triggers"])
    assert {purpose.value for purpose in Purpose} == set(NAMED["purposes"])
    assert set(re.findall(r'round\.step\("(\w+)"', KEEP)) == set(NAMED["keeping"])
    assert set(re.findall(r'record\.step\("(\w+)"', COPIES)) == set(NAMED["copying"])
    assert {Disks.kind, Sftp.kind, S3.kind} == set(NAMED["copies"])
    assert {RECOVERY_KEY} <= set(NAMED["whats"])
    assert set(NAMED["anomalies"]) <= set(CAUSES)
    assert {value.value for value in Automation} == set(NAMED["automation"])


def test_every_code_of_the_catalogue_has_a_word() -> None:
    catalogue = load_catalogue()
    requirements = catalogue.requirements.values()
    assert {layer.code for layer in catalogue.layers} == set(NAMED["layers"])
    assert {kind for requirement in requirements for kind in requirement.evidence} == set(NAMED["kinds"])
    assert {requirement.period.basis for requirement in requirements if requirement.period} == set(NAMED["bases"])


def test_the_drill_that_the_rules_look_for_is_the_one_that_the_kit_records() -> None:
    assert view.RECOVERY_KEY == RECOVERY_KEY
    assert PROBE in NAMED["steps"]


def test_every_night_of_the_legend_has_a_shape_of_its_own() -> None:
    shapes = [NIGHT_SHAPES.get(kind, NIGHTS[kind][0]) for kind in LEGEND]
    assert len(shapes) == len(set(shapes))
