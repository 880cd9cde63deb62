"""A forgiving look at raw data, so that the cross-checks also work on a facility that has other mistakes."""

from collections.abc import Iterator
from dataclasses import dataclass

from inventory.document import Document, Keys
from inventory.mistakes import Mistake


@dataclass(frozen=True)
class View:
    """A value in a document, which may be absent (None) or of the wrong type; reading never raises."""

    document: Document
    path: Keys
    value: object

    @classmethod
    def of(cls, document: Document) -> "View":
        """Return the view of the whole document."""
        return cls(document, (), document.data)

    def get(self, key: str) -> "View":
        """Return the value of ``key``; an absent one when this is not a mapping or lacks it."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return View(self.document, (*self.path, key), value)

    def names(self) -> tuple[str, ...]:
        """Return the keys of a mapping, none for anything else."""
        return tuple(self.value) if isinstance(self.value, dict) else ()

    def items(self) -> Iterator["View"]:
        """Yield the items of a list, nothing for anything else."""
        if isinstance(self.value, list):
            for index, value in enumerate(self.value):
                yield View(self.document, (*self.path, index), value)

    @property
    def text(self) -> str | None:
        """The value when it is text."""
        return self.value if isinstance(self.value, str) else None

    def leaves(self) -> Iterator["View"]:
        """Yield every text below this value, itself included."""
        if isinstance(self.value, str):
            yield self
        for key in self.names():
            yield from self.get(key).leaves()
        for item in self.items():
            yield from item.leaves()

    def mistake(self, problem: str, allowed: str) -> Mistake:
        """Return a mistake at this value."""
        return self.document.mistake(self.path, problem, allowed)
