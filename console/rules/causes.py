"""Problems of records that name their cause: the cause's texts instead of the general ones."""

from dataclasses import replace
from typing import Protocol

from backup.causes import CAUSES
from console.details import detail_text
from console.i18n import Text
from console.rules.problem import Problem


class Caused(Protocol):
    """A record of a run, a restore test or a round of the keeper."""

    @property
    def cause_code(self) -> str | None: ...
    @property
    def cause_place(self) -> str | None: ...
    @property
    def cause_detail(self) -> str | None: ...


def caused(plain: Problem, kind: str, row: Caused) -> Problem:
    """Return ``plain`` as ``kind``, with the texts of the row's cause when it names one."""
    if row.cause_code is None:
        return replace(plain, kind=kind)
    texts = CAUSES.get(row.cause_code, CAUSES["unknown"])
    detail = detail_text(row.cause_detail or "-")
    filled = {**plain.title.values, "place": row.cause_place or "-", "detail": detail}
    title = "{object}: {title}" if "repository" not in filled else "{object}, {repository}: {title}"
    return replace(
        plain,
        kind=kind,
        title=Text(title, {**filled, "title": Text(texts.title, filled)}),
        meaning=Text(texts.meaning, filled),
        next_step=Text(texts.next_step, filled),
    )
