"""Texts of this room in a person's language, from ``locale/*/LC_MESSAGES/compliance.po`` without a build step."""

from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from compliance.results import Text, Value

LOCALE_DIRECTORY = Path(__file__).with_name("locale")
SOURCE_LOCALE = "en"


@cache
def catalogue(locale: str) -> Catalog:
    """Return the translations of ``locale`` (for example zh_CN); an empty catalogue when there are none."""
    path = LOCALE_DIRECTORY / locale / "LC_MESSAGES" / "compliance.po"
    if locale == SOURCE_LOCALE or not path.is_file():
        return Catalog()
    with path.open("rb") as stream:
        return read_po(stream, locale=locale)


def translate(msgid: str, locale: str, **values: Value) -> str:
    """Return ``msgid`` in ``locale`` with its placeholders filled; English where there is no translation."""
    message = catalogue(locale).get(msgid)
    translated = message.string if message is not None and message.string else msgid
    return str(translated).format_map(values)


def render(statement: Text, locale: str) -> str:
    """Return a Text as a person of ``locale`` reads it."""
    return translate(statement.msgid, locale, **statement.values)
