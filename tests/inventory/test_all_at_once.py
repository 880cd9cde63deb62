"""Every mistake of a facility with every kind of mistake is answered at once, at its line, and nothing else is."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from inventory.loader import FacilityError, load_facility

BROKEN = Path(__file__).parent / "broken"
FILES = ("hosts.yml", "group_vars/all/facility.yml")


def marked(file: str) -> Counter[tuple[str, int, str]]:
    """Return the mistakes that the comments of ``file`` announce."""
    found: Counter[tuple[str, int, str]] = Counter()
    for number, line in enumerate((BROKEN / file).read_text(encoding="utf-8").split("\n"), 1):
        _, _, comment = line.partition(" # ! ")
        found.update((file, number, key) for key in comment.split(" ! ") if comment)
    return found


def test_a_facility_with_every_mistake_is_answered_at_once_at_the_right_lines(clinic: Path):
    shutil.copytree(BROKEN, clinic, dirs_exist_ok=True)
    with pytest.raises(FacilityError) as caught:
        load_facility(clinic)
    got = Counter((str(m.file.relative_to(clinic)), m.line, m.key) for m in caught.value.mistakes)
    wanted = marked(FILES[0]) + marked(FILES[1])
    assert len(wanted) > 60
    assert got - wanted == Counter(), "reported, but not marked"
    assert wanted - got == Counter(), "marked, but not reported"


def test_each_mistake_says_what_is_wrong_and_what_is_allowed(clinic: Path):
    shutil.copytree(BROKEN, clinic, dirs_exist_ok=True)
    with pytest.raises(FacilityError) as caught:
        load_facility(clinic)
    for mistake in caught.value.mistakes:
        assert mistake.problem, mistake
        assert mistake.allowed, mistake
        assert re.fullmatch(r"\S+:\d+: \S+: .+; allowed: .+", str(mistake)), mistake
        assert "hunter2" not in str(mistake)
