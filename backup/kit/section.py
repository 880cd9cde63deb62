"""The parts of the kit's pages of commands."""

from collections.abc import Iterable
from dataclasses import dataclass

from backup.kit.sheet import Sheet, Text


@dataclass(frozen=True)
class Section:
    """Commands with what they are for."""

    title: Text
    text: Text
    commands: str


def write(sheet: Sheet, sections: Iterable[Section]) -> None:
    """Write sections one below the other."""
    for section in sections:
        sheet.heading(section.title)
        sheet.paragraph(section.text)
        sheet.code(section.commands, 8)
