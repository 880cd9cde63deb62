"""Colours people can read: WCAG 2.2 contrast of text and of shapes, light and dark."""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "console" / "web" / "static"
TEXT, SHAPE = 4.5, 3.0
STATES = ("ok", "late", "warn", "crit", "maint", "unknown")


def colours(name: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", (STATIC / name).read_text(encoding="utf-8")))


LIGHT = colours("tokens.css")
DARK = LIGHT | colours("dark.css")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_formula_gives_the_standards_known_values() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *((state, "surface") for state in STATES),
        *((state, "raised") for state in STATES if state != "unknown"),  # parts.css gives that one --muted there
        *((word, ground) for word in ("text", "muted") for ground in ("bg", "surface", "raised")),
        ("accent", "surface"),
        ("accent", "bg"),
        ("accent", "raised"),
        ("accent", "accent-soft"),
        ("muted", "accent-soft"),
        ("on-accent", "accent"),
    ],
)
def test_text_can_be_read(palette: dict[str, str], text: str, ground: str) -> None:
    assert contrast(palette[text], palette[ground]) >= TEXT


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("shape", [*STATES, "accent", "series-1", "series-2", "series-3", "series-4"])
def test_shapes_meters_and_lines_can_be_seen(palette: dict[str, str], shape: str) -> None:
    for ground in ("surface", "raised"):
        assert contrast(palette[shape], palette[ground]) >= SHAPE


def test_both_palettes_name_the_same_colours() -> None:
    assert set(colours("dark.css")) == set(LIGHT)


def test_every_state_has_a_shape_of_its_own() -> None:
    sprite = (STATIC / "icons.svg").read_text(encoding="utf-8")
    shapes = [re.search(rf'<symbol id="state-{state}"[^>]*>(.*?)</symbol>', sprite) for state in STATES]
    assert all(shapes)
    assert len({shape[1] for shape in shapes if shape}) == len(STATES)
