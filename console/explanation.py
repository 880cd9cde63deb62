"""The three texts of one kind of problem."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """Title, meaning for the clinic, next step: English message ids with placeholders."""

    title: str
    meaning: str
    next_step: str


def explanation(title: str, meaning: str, next_step: str) -> Explanation:
    """Return an Explanation; the catalogue of translations is made from the calls of this function."""
    return Explanation(title, meaning, next_step)
