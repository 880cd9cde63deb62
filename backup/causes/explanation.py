"""The form of an explanation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """The texts of one cause code: English message ids, or the same filled in and translated."""

    title: str
    meaning: str
    next_step: str
