"""Limits that verdicts use, as data with their source: other bodies read the standard differently."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

THRESHOLDS_FILE = Path(__file__).with_name("data") / "thresholds.yaml"


@dataclass(frozen=True)
class Threshold:
    """A limit (the unit is in its name), the probe rows it belongs to and whose reading it is."""

    value: int
    rows: tuple[str, ...]
    basis: tuple[str, ...]


@cache
def thresholds() -> dict[str, Threshold]:
    """Return every limit by name."""
    document = yaml.load(THRESHOLDS_FILE.read_bytes(), Loader=yaml.CSafeLoader)
    return {
        name: Threshold(int(row["value"]), tuple(row["rows"]), tuple(row["basis"])) for name, row in document.items()
    }


def limit(name: str) -> int:
    """Return the value of limit ``name``."""
    return thresholds()[name].value
