"""How a person asks the daemon for a drill: a file in its directory, and its answer beside it."""

import contextlib
import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

LARGEST_BYTES = 4096
HOWS = {"lab": ("simulated",), "facility": ("test", "unplug")}
"""Scope → the ways there are; the first is the default."""


@dataclass(frozen=True)
class DrillRequest:
    """What is asked for, in the boot ``boot_id``: a request that was left lying is not heeded after the next."""

    request_id: str
    boot_id: str
    ups: str
    scope: str
    how: str
    operator: str


@dataclass(frozen=True)
class Answer:
    """The daemon's answer: ``refused`` says why not, "" when the drill began; ``warning`` what speaks against it."""

    request_id: str
    refused: str
    warning: str = ""


def new_request(boot_id: str, ups: str, scope: str, how: str, operator: str) -> DrillRequest:
    """Return a request with an id of its own."""
    return DrillRequest(secrets.token_hex(8), boot_id, ups, scope, how, operator)


def write_request(directory: Path, request: DrillRequest) -> None:
    """Leave a request for the daemon.  Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / "request.json", asdict(request))


def take_request(directory: Path) -> DrillRequest | None:
    """Take the request that lies there, if it is one; a broken file goes, too, since nobody could ever heed it."""
    taken = directory / ".request.taken"
    try:
        (directory / "request.json").rename(taken)  # first: the next request may come while this one is read
        with taken.open(encoding="utf-8") as file:
            request = DrillRequest(**json.loads(file.read(LARGEST_BYTES)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        request = None
    with contextlib.suppress(OSError):
        taken.unlink()
    return request if request and all(isinstance(value, str) for value in asdict(request).values()) else None


def write_answer(directory: Path, answer: Answer) -> None:
    """Tell who asked.  Raises OSError."""
    _write(directory / "answer.json", asdict(answer))


def read_answer(directory: Path, request_id: str) -> Answer | None:
    """Return the answer to a request, None while there is none."""
    try:
        answer = Answer(**json.loads((directory / "answer.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return answer if answer.request_id == request_id else None


def _write(path: Path, document: dict[str, str]) -> None:
    # A name of its own: another user writes into this directory, too, and could have laid a link where a draft goes.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False)
        os.fchmod(file.fileno(), 0o644)
    Path(name).replace(path)
