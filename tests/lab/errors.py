"""What can go wrong in the lab, said so that a person knows the place, the cause and the next step."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LabError(Exception):
    """A lab operation failed."""

    place: str
    cause: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.place}: {self.cause}. Next: {self.next_step}"
