"""What a device has answered, by column and row, and how its numbers and texts are read."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from agent.polling import Value

NUMBER = re.compile(r"\s*([-+]?\d{1,18}(?:\.\d{1,18})?)")
ENCODINGS = ("utf-8", "gb18030", "latin-1")  # devices sold in China answer in GB 18030; latin-1 takes anything
MAX_TEXT = 255  # of a DisplayString; a device that sends more fills no page of ours
MAX_ROWS = 128
"""What is shown of any one table; a device that has more, or says so, does not fill the page and the next request."""

NOTHING: Mapping[str, Value] = {}


class Cell(NamedTuple):
    """One object instance; a scalar is row ``0`` of its own column."""

    column: str
    row: str

    @property
    def oid(self) -> str:
        """The instance's OID."""
        return f"{self.column}.{self.row}"


def scalar(oid: str) -> Cell:
    """Return the cell of a scalar's OID, which ends in ``.0``."""
    return Cell(*oid.rsplit(".", 1))


class Values:
    """The last answer for every cell.  A cell that a later answer lacks is gone."""

    def __init__(self) -> None:
        self._columns: dict[str, dict[str, Value]] = {}

    def column(self, root: str) -> Mapping[str, Value]:
        """Return a column, row → value, in the device's order."""
        return self._columns.get(root, NOTHING)

    def get(self, cell: Cell) -> Value | None:
        """Return one cell's value."""
        return self.column(cell.column).get(cell.row)

    def put_column(self, root: str, answers: Mapping[str, Value]) -> None:
        """Replace a column by what a walk of it has found."""
        skip = len(root) + 1
        self._columns[root] = {oid[skip:]: value for oid, value in answers.items()}

    def put_cells(self, cells: Iterable[Cell], answers: Mapping[str, Value]) -> None:
        """Replace the cells that were asked for by what was answered."""
        for cell in cells:
            column = self._columns.setdefault(cell.column, {})
            value = answers.get(cell.oid)
            if value is None:
                column.pop(cell.row, None)
            else:
                column[cell.row] = value


def number(value: Value | None) -> float | None:
    """Return a number; texts that begin with one ("24 C", "51.569") count.  Anything else is None."""
    if isinstance(value, int):
        return value
    if isinstance(value, bytes):
        match = NUMBER.match(text(value))
        return float(match[1]) if match else None
    return None


def whole(value: Value | None) -> int | None:
    """Return an integer as the device sent it, else None."""
    return value if isinstance(value, int) else None


def count(value: Value | None) -> int | None:
    """Return a counter's value; a negative one is no counter."""
    return value if isinstance(value, int) and value >= 0 else None


def text(value: Value | None) -> str:
    """Return readable text in one line: UTF-8, else GB 18030, else latin-1, without control characters."""
    if value is None:
        return ""
    if isinstance(value, int | str):
        return str(value)[:MAX_TEXT]
    for encoding in ENCODINGS:
        try:
            decoded = value.rstrip(b"\0").decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    return " ".join("".join(letter if letter.isprintable() else " " for letter in decoded).split())[:MAX_TEXT]


def unique(names: Iterable[tuple[str, str]]) -> list[str]:
    """Return names that differ from each other: from (name, row), the row is added to a name that was there before."""
    seen: set[str] = set()
    result = []
    for name, row in names:
        chosen = name if name and name not in seen else f"{name} #{row}".strip()
        while chosen in seen:
            chosen += "'"
        seen.add(chosen)
        result.append(chosen)
    return result
