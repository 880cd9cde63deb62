"""Every text that the console's core says to people is in the Chinese catalogue, with the same placeholders."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

from console.i18n import LOCALES, Text, best_locale, translate, translations

CORE = Path(__file__).parents[2] / "console"
MARKS = {"Text": 1, "explanation": 3}


def messages() -> Iterator[tuple[str, str]]:
    """Yield (place, msgid) of every ``Text("…")`` and ``explanation("…", "…", "…")``."""
    for path in sorted(CORE.rglob("*.py")):
        if {"web", "node_modules"} & set(path.relative_to(CORE).parts):
            continue
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MARKS:
                for text in call.args[: MARKS[call.func.id]]:
                    if isinstance(text, ast.Constant) and isinstance(text.value, str):
                        yield f"{path.relative_to(CORE)}:{text.lineno}", text.value


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_text_of_the_core_has_a_translation_with_the_same_placeholders() -> None:
    found = list(messages())
    assert len(found) > 110
    chinese = translations("zh_CN")
    wrong = [
        (place, text)
        for place, text in found
        if chinese.gettext(text) == text or placeholders(chinese.gettext(text)) != placeholders(text)
    ]
    assert [one for one in wrong if one[1] != "{object}: {title}"] == []


def test_the_rooms_catalogues_are_merged() -> None:
    assert translate("zh_CN", "The backup repository is full") != "The backup repository is full"
    assert translate("en", "The backup repository is full") == "The backup repository is full"


def test_a_text_inside_a_text_is_translated_too() -> None:
    text = Text("{object}: {title}", {"object": "his1", "title": Text("The backup repository is full")})
    assert text.translate("zh_CN").startswith("his1：")
    assert "repository" not in text.translate("zh_CN")


def test_a_browsers_language_finds_its_locale() -> None:
    wanted = ("zh-CN", "zh_TW", "en-GB", "de", None)
    assert [best_locale(one) for one in wanted] == ["zh_CN", "zh_CN", "en", "zh_CN", "zh_CN"]
    assert set(LOCALES) == {"zh_CN", "en"}
