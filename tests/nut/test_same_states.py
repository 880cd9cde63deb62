"""NUT's snmp-ups and our poller see the same state when a recorded device loses its mains, runs low, wears out."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.ups.reading import Flag
from tests.nut.rig import PROGRAMS
from tests.nut.test_same_values import Row, compared, differing, named, read_by_nut, read_by_us
from tests.recordings import recording
from tests.simulator import running_simulator

RFC = "1.3.6.1.2.1.33.1"
APC = "1.3.6.1.4.1.318.1.1.1"
OFF_MAINS = {f"{RFC}.4.1.0": 5, f"{RFC}.2.2.0": 37, f"{RFC}.2.4.0": 63}
STATES = {  # name → recording, NUT's MIB, what is changed, the flags of both
    "rfc-battery": ("orvaldi-ups", "ietf", OFF_MAINS, {Flag.ON_BATTERY}),
    "rfc-low": ("orvaldi-ups", "ietf", {**OFF_MAINS, f"{RFC}.2.1.0": 3}, {Flag.ON_BATTERY, Flag.LOW_BATTERY}),
    "rfc-bypass": ("orvaldi-ups", "ietf", {f"{RFC}.4.1.0": 4}, {Flag.BYPASS}),
    "apc-battery": ("apc_smx750", "apcc", {f"{APC}.4.1.1.0": 3, f"{APC}.2.1.2.0": 3700}, {Flag.ON_BATTERY}),
    "apc-low": (
        "apc_smx750", "apcc", {f"{APC}.4.1.1.0": 3, f"{APC}.2.1.2.0": 3700, f"{APC}.2.1.1.0": 3},
        {Flag.ON_BATTERY, Flag.LOW_BATTERY},
    ),
    "apc-worn": ("apc_smx750", "apcc", {f"{APC}.2.2.4.0": 2}, {Flag.ON_LINE, Flag.REPLACE_BATTERY}),
    "apc-trim": ("apc_smx750", "apcc", {f"{APC}.4.1.1.0": 12}, {Flag.ON_LINE, Flag.TRIM}),
}  # fmt: skip


def changed(text: str, values: dict[str, int]) -> str:
    """Return a recording in which these objects have these values."""
    lines = [line for line in text.splitlines() if line.partition("|")[0] not in values]
    tags = {line.split("|")[0]: line.split("|")[1] for line in text.splitlines() if line.count("|") >= 2}
    lines += [f"{oid}|{tags.get(oid, '2')}|{value}" for oid, value in values.items()]
    return "\n".join(lines)


def test_every_state_is_seen_alike(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory):
    if not (PROGRAMS / "snmp-ups").exists():
        pytest.skip("snmp-ups is not installed: apt-get install nut-snmp")
    texts = {
        state: named(changed(recording(source).read_text(encoding="utf-8"), values), {mib})
        for state, (source, mib, values, _) in STATES.items()
    }
    wanted = [Row(state, mib, {}) for state, (_, mib, _, _) in STATES.items()]
    with running_simulator(tmp_path, texts) as simulator, ThreadPoolExecutor(4) as threads:
        nuts = list(threads.map(lambda row: read_by_nut(simulator, row, tmp_path_factory.mktemp("state")), wanted))
        ours = asyncio.run(read_by_us(simulator, list(texts)))
    for row, reading in zip(wanted, nuts, strict=True):
        expected = STATES[row.recording][3]
        assert expected <= ours[row.recording].flags, row.recording
        assert expected <= reading.flags, row.recording
        assert differing(compared(ours[row.recording]), compared(reading)) == {}, row.recording
