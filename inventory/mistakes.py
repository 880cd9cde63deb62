"""A mistake in a facility, and the exception that carries all of them."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake: where it is, what is wrong, what is allowed (with the next step where there is one).

    ``line`` counts from 1; in an encrypted file it is the line that ``ansible-vault view`` shows.
    ``key`` is the path inside the file, as in ``zones[1].cidr``; empty when the whole file is meant.
    """

    file: Path
    line: int
    key: str
    problem: str
    allowed: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: {self.key}: " if self.key else f"{self.file}:{self.line}: "
        return f"{place}{self.problem}; allowed: {self.allowed}"


class FacilityError(Exception):
    """A facility that can't be used; ``mistakes`` holds every one found, by file and line."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Say what is allowed instead of ``word``: the nearest one first, then all of them."""
    known = sorted(set(allowed))
    if not known:
        return "none is declared yet"
    close = difflib.get_close_matches(word, known, n=1)
    listed = ", ".join(known)
    return f"did you mean {close[0]}? One of: {listed}" if close else f"one of: {listed}"
