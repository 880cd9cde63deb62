"""What can go wrong in the lab, said so that a person knows the place, the cause and the next step."""


class LabError(Exception):
    """A lab operation failed."""

    def __init__(self, place: str, cause: str, next_step: str) -> None:
        super().__init__(f"{place}: {cause}. Next: {next_step}")
        self.place, self.cause, self.next_step = place, cause, next_step
