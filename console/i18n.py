"""Translations: every room's ``.po`` file, merged, loaded at start without a compile step.

The ``msgid`` is the English text, so English needs no catalogue.
"""

import gettext
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

DEFAULT_LOCALE = "zh_CN"
LOCALES = ("zh_CN", "en")
ROOMS = ("console", "backup", "compliance")


def catalogue_file(room: str, locale: str) -> Traversable:
    """Return where a room keeps its catalogue of ``locale``."""
    return files(room) / "locale" / locale / "LC_MESSAGES" / f"{room}.po"


@cache
def translations(locale: str) -> gettext.NullTranslations:
    """Return the merged translations of ``locale`` (one of ``LOCALES``); English gives every text back as it is.

    A text without a translation is shown in English rather than not at all.
    """
    if locale == "en":
        return gettext.NullTranslations()
    merged = Catalog(locale=locale, fuzzy=False)
    for room in ROOMS:
        file = catalogue_file(room, locale)
        for message in read_po(BytesIO(file.read_bytes()), locale=locale) if file.is_file() else ():
            if message.id and message.string and not message.fuzzy:
                merged.add(message.id, message.string, context=message.context)
    buffer = BytesIO()
    write_mo(buffer, merged)
    buffer.seek(0)
    return gettext.GNUTranslations(buffer)


def translate(locale: str, msgid: str, values: Mapping[str, object] | None = None) -> str:
    """Return ``msgid`` in ``locale`` with its ``{placeholders}`` filled from ``values``."""
    text = translations(locale).gettext(msgid) if msgid else ""
    return text.format_map(values) if values else text


def translate_plural(locale: str, singular: str, plural: str, count: int) -> str:
    """Return the form for ``count`` in ``locale``; ``{count}`` is filled."""
    return translations(locale).ngettext(singular, plural, count).format(count=count)


def best_locale(wanted: str | None, fallback: str = DEFAULT_LOCALE) -> str:
    """Return the locale of ``LOCALES`` that serves ``wanted`` (``zh-CN``, ``zh_CN``, ``en-GB``, …)."""
    language = (wanted or "").replace("-", "_").split("_")[0].lower()
    for locale in LOCALES:
        if locale.split("_")[0] == language:
            return locale
    return fallback if fallback in LOCALES else DEFAULT_LOCALE


def N_(msgid: str) -> str:  # noqa: N802 — gettext's own name for "translate later"
    """Mark a text for the catalogue; whoever shows it translates it."""
    return msgid


@dataclass(frozen=True)
class Text:
    """A text for people that is not yet in a language: the English ``msgid`` and what fills its placeholders."""

    msgid: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the English text."""
        return self.translate("en")

    def translate(self, locale: str) -> str:
        """Return the text in ``locale``; a value that is a ``Text`` itself is translated too."""
        values = {key: one.translate(locale) if isinstance(one, Text) else one for key, one in self.values.items()}
        return translate(locale, self.msgid, values)
