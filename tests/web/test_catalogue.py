"""The Chinese catalogue: complete, with the same placeholders, nothing guessed."""

import string
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from console.i18n import catalogue_file
from console.texts import PROBLEMS, REACH
from tests.web.messages import messages


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with catalogue_file("console", "zh_CN").open("rb") as file:
        return read_po(file, locale="zh_CN", abort_invalid=True)


def placeholders(text: str) -> set[str | None]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name is not None}


def translated(catalogue: Catalog, text: str) -> bool:
    message = catalogue.get(text)
    return message is not None and bool(message.string)


def problem_texts() -> Iterator[str]:
    for texts in (*PROBLEMS.values(), *REACH.values()):
        yield from (texts.title, texts.meaning, texts.next_step)


def test_every_text_of_the_pages_has_a_translation(catalogue: Catalog) -> None:
    missing = [f"{place}: {text}" for text, place in messages().items() if not translated(catalogue, text)]
    assert missing == []


def test_every_text_of_a_problem_has_a_translation(catalogue: Catalog) -> None:
    assert [text for text in problem_texts() if not translated(catalogue, text)] == []


def test_a_translation_has_the_placeholders_of_its_text(catalogue: Catalog) -> None:
    different = [
        message.id
        for message in catalogue
        if isinstance(message.id, str) and message.id and placeholders(message.id) != placeholders(str(message.string))
    ]
    assert different == []


def test_no_translation_is_a_guess_or_there_twice(catalogue: Catalog) -> None:
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []
    text = catalogue_file("console", "zh_CN").read_text(encoding="utf-8")
    written = [line for line in text.splitlines() if line.startswith('msgid "') and line != 'msgid ""']
    assert sorted({line for line in written if written.count(line) > 1}) == []
