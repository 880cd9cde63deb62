"""What each cause code means to people: title, meaning for the clinic, next step.

The English texts are message ids; ``locale/zh_CN/LC_MESSAGES/backup.po`` translates every one.  The meaning
and the next step may hold ``{place}`` and ``{detail}``.  Standard library only.
"""

import re
from collections.abc import Callable
from pathlib import Path

from backup.causes import (
    anomalies,
    copies,
    jobs,
    keeper,
    point_in_time,
    proof,
    recovery,
    repositories,
    restores,
    sources,
)
from backup.causes.explanation import Explanation
from backup.status import Cause

DOMAIN = "backup"
LOCALE_DIRECTORY = Path(__file__).parents[1] / "locale"
CAUSES: dict[str, Explanation] = {
    code: explanation
    for theme in (repositories, sources, proof, keeper, anomalies, copies, restores, recovery, point_in_time, jobs)
    for code, explanation in theme.CAUSES.items()
}


def _same(text: str) -> str:
    return text


def explain(cause: Cause, translate: Callable[[str], str] = _same) -> Explanation:
    """Return the texts of ``cause``, translated (``gettext`` of the domain ``backup``) and filled in.

    A code that this version does not know is explained as ``unknown``.
    """
    texts = CAUSES.get(cause.code, CAUSES["unknown"])
    values = {"{place}": cause.place, "{detail}": cause.detail}
    return Explanation(
        *(
            re.sub(r"\{place\}|\{detail\}", lambda found: values[found[0]], translate(text))
            for text in (texts.title, texts.meaning, texts.next_step)
        )
    )
