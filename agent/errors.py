"""What the agent tells a person when it cannot start."""


class AgentError(Exception):
    """A failure with its place (file, address, unit), its cause and the next step to take."""

    def __init__(self, place: str, cause: str, next_step: str) -> None:
        super().__init__(f"{place}: {cause}. Next: {next_step}")
        self.place = place
        self.cause = cause
        self.next_step = next_step
