"""The profile files: complete, typed, in the wheel, and free of code."""

import subprocess
import sys
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from agent.ups.profile import Quantity
from agent.ups.profile_files import ProfileError, profiles, read_profile
from agent.ups.units import WRITTEN, Unit

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "agent/snmp/profiles/ups"
FILES = sorted(path.name for path in FOLDER.glob("*.toml"))

UNITS = {
    Quantity.CHARGE: {Unit.PERCENT, Unit.TENTH_PERCENT},
    Quantity.LOAD: {Unit.PERCENT, Unit.TENTH_PERCENT},
    Quantity.RUNTIME: {Unit.SECOND, Unit.MINUTE, Unit.TICKS},
    Quantity.LOW_RUNTIME: {Unit.SECOND, Unit.MINUTE, Unit.TICKS},
    Quantity.ON_BATTERY: {Unit.SECOND, Unit.TICKS},
    Quantity.INPUT_LINES: {Unit.COUNT},
    Quantity.OUTPUT_LINES: {Unit.COUNT},
    Quantity.INPUT_VOLTS: {Unit.VOLT, Unit.TENTH_VOLT},
    Quantity.OUTPUT_VOLTS: {Unit.VOLT, Unit.TENTH_VOLT},
    Quantity.BATTERY_VOLTS: {Unit.VOLT, Unit.TENTH_VOLT},
    Quantity.INPUT_HERTZ: {Unit.HERTZ, Unit.TENTH_HERTZ, Unit.HUNDREDTH_HERTZ},
    Quantity.OUTPUT_HERTZ: {Unit.HERTZ, Unit.TENTH_HERTZ, Unit.HUNDREDTH_HERTZ},
    Quantity.BATTERY_CELSIUS: {Unit.CELSIUS, Unit.TENTH_CELSIUS},
}


@pytest.mark.parametrize("name", FILES)
def test_a_profile_loads_names_its_mib_and_gives_fitting_units(name: str):
    profile = read_profile(name)
    assert profile.mib
    assert profile.probe
    assert all(rule.unit in UNITS[rule.quantity] for rule in profile.numbers)
    assert all(rule.oids for rule in profile.numbers)
    assert all(len(rule.unit_oids) in {0, len(rule.oids)} for rule in profile.numbers)
    assert all(WRITTEN[rule.unit] for rule in profile.numbers if rule.unit_oids)


def test_one_file_is_one_mib():
    assert len({profile.mib for profile in profiles()}) == len(profiles()) == len(FILES) >= 18


def test_the_wheel_holds_every_profile():
    included = {Path(file.relative_path) for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert {Path("agent/snmp/profiles/ups") / name for name in FILES} <= included


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('mib = "X"\nrank = 1\nroot = "1.3.x"\nprobe = ["1"]', "'1.3.x' is no OID"),
        ('mib = "X"\nrank = 1\nroot = "1.3"\nprobe = ["1"]\ncolour = 1', "unknown colour; allowed are about, alarm"),
        ('mib = "X"\nrank = 1\nprobe = ["1"]', "KeyError: 'root'"),
        ('rank = 1\nroot = "1"\nmib = "X"\nprobe = []\n[[number]]\nis = "charge"\noid = "1"\nunit = "%%"', "'%%'"),
        (
            'rank = 1\nroot = "1"\nmib = "X"\nprobe = []\n[[state]]\nname = "s"\noid = "1"\nsays = {2 = ["ONLINE"]}',
            "'ONLINE' is neither a flag nor one of input bad, input good, output fed",
        ),
        ("mib = ", "TOMLDecodeError"),
    ],
)
def test_a_mistake_in_a_profile_is_named(text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "wrong.toml").write_text(text)
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    with pytest.raises(ProfileError, match=r"^wrong\.toml: ") as mistake:
        read_profile("wrong.toml")
    assert words in str(mistake.value)


def test_reading_a_ups_needs_no_pysnmp():
    code = "import sys, agent.ups.reader, agent.ups.metrics; sys.exit('pysnmp' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
