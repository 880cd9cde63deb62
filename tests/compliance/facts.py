"""Recorded facts and their variants: real gatherings, with the output of single probes changed."""

import copy
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("data")
RECORDINGS = ("debian12-default", "debian13-default", "debian12-hardened")


@cache
def _text(name: str) -> str:
    return (DATA / f"{name}.json").read_text(encoding="utf-8")


def recorded(name: str = "debian12-hardened") -> dict[str, Any]:
    """Return a gathering recorded on a real host, one of RECORDINGS."""
    document: dict[str, Any] = json.loads(_text(name))
    return document


def an_hour_after(facts: dict[str, Any]) -> datetime:
    """Return one hour after the facts were gathered."""
    return datetime.fromisoformat(facts["gathered_at"]) + timedelta(hours=1)


def probe(facts: dict[str, Any], name: str) -> dict[str, Any]:
    """Return one probe of the facts, to be changed in place."""
    found: dict[str, Any] = next(probe for probe in facts["probes"] if probe["name"] == name)
    return found


def variant(facts: dict[str, Any], changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a copy in which the named probes ended well and printed something else (see data/cases.yaml)."""
    other = copy.deepcopy(facts)
    for name, change in changes.items():
        found = probe(other, name)
        found.update(stdout=_changed(found["stdout"], change), stderr="", exit_code=0)
    return other


def _changed(stdout: str, change: Mapping[str, Any]) -> str:
    stdout = str(change.get("output", stdout)) + str(change.get("append", ""))
    for old, new in change.get("replace", ()):
        assert old in stdout, f"{old!r} is not in the recording"
        stdout = stdout.replace(old, new)
    if "set" in change:
        document = json.loads(stdout)
        for path, value in change["set"].items():
            _put(document, path.split("."), value)
        stdout = json.dumps(document)
    return stdout


def _put(document: Any, path: list[str], value: object) -> None:  # noqa: ANN401 (a JSON document)
    *way, last = path
    for key in way:
        document = document[int(key) if isinstance(document, list) else key]
    if isinstance(document, list) and int(last) == len(document):
        document.append(value)
    else:
        document[int(last) if isinstance(document, list) else last] = value
