"""Every code that a page may meet has a word."""

from backup.status import Outcome, Trigger, Verdict
from compliance.catalogue import Automation, load_catalogue
from compliance.results import Verdict as ItemVerdict
from console.store.models import State
from console.web.words import NAMED, RANK, STATES, WORDED
from playbooks.record import RunStatus, TaskStatus


def test_every_state_has_a_word_and_a_rank() -> None:
    assert set(STATES) == set(RANK) == set(State)


def test_every_value_of_the_other_rooms_has_a_word() -> None:
    for table, values in (
        ("outcomes", Outcome),
        ("proofs", Verdict),
        ("answers", Verdict),
        ("runs", RunStatus),
        ("tasks", TaskStatus),
        ("verdicts", ItemVerdict),
    ):
        assert {value.value for value in values} - set(WORDED[table]) == set(), table
    assert {trigger.value for trigger in Trigger} == set(NAMED["triggers"])
    assert {value.value for value in Automation} == set(NAMED["automation"])


def test_every_code_of_the_catalogue_has_a_word() -> None:
    catalogue = load_catalogue()
    requirements = catalogue.requirements.values()
    assert {layer.code for layer in catalogue.layers} == set(NAMED["layers"])
    assert {kind for requirement in requirements for kind in requirement.evidence} == set(NAMED["kinds"])
    assert {requirement.period.basis for requirement in requirements if requirement.period} == set(NAMED["bases"])
