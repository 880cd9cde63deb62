"""Details of causes and anomalies, which records hold in English, as texts that a page can translate."""

import re
from functools import reduce

from backup.rules import guard_words
from console.i18n import Text
from console.repository_texts import ANOMALIES

# A run and a round of the keeper put several anomalies into one detail: "code id: sentence; code id: sentence".
NEXT = re.compile(r"; (?=[a-z]+_?[a-z]+(?: [0-9a-f]{8})?: )")
NAMED = re.compile(r"(?P<code>[a-z_]+)(?P<snapshot> [0-9a-f]{8})?: (?P<detail>.*)", re.DOTALL)
# How a run or a round ended before its end, as backup.night.recorder and the keeper write it.
ENDED = re.compile(r"(?P<how>[^:]+) during: (?P<step>[a-z_ ]+)")
KILLED = re.compile(r"process (?P<pid>\d+) was killed")


def detail_text(detail: str) -> Text:
    """Return a detail as a text: its sentence with its numbers, or itself where it has no known form."""
    parts = [_part(part) for part in NEXT.split(detail)]
    return reduce(lambda before, part: Text("{first}; {next}", {"first": before, "next": part}), parts)


def _part(part: str) -> Text:
    named = NAMED.fullmatch(part)
    if named is None or named["code"] not in ANOMALIES:
        return _sentence(part)
    values = {"anomaly": Text(ANOMALIES[named["code"]]), "detail": _sentence(named["detail"])}
    return Text("{anomaly}{snapshot}: {detail}", {**values, "snapshot": named["snapshot"] or ""})


def _sentence(detail: str) -> Text:
    if ended := ENDED.fullmatch(detail):
        killed = KILLED.fullmatch(ended["how"])
        how = Text("process {pid} was killed", killed.groupdict()) if killed else Text(ended["how"])
        return Text("{how} during: {step}", {"how": how, "step": Text(ended["step"])})
    found = guard_words.parse(detail)
    return Text(detail) if found is None else Text(*found)
