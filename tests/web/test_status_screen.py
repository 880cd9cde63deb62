"""`xinglin status` over the answer of a real console: what the one writes, the other can say."""

import json

import pytest

from console.config import ConsoleConfig
from console.status import status_document
from console.store.database import open_engine, session_factory
from playbooks.screen import screen
from tests.web.conftest import NOW


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        (
            "en",
            ["proved, vault", "Repositories", "clean-up paused since 11-23 05:30", "days until full", "11-23 10:32"],
        ),
        ("zh_CN", ["异地恢复验证", "仓库", "清理已暂停，自 11-23 05:30", "预计写满", "11-23 10:32"]),
    ],
)
def test_the_clinics_state_is_one_screen(config: ConsoleConfig, locale: str, words: list[str]) -> None:
    engine = open_engine(config.store_url)
    with session_factory(engine)() as session:
        answer = json.loads(json.dumps(status_document(session, config, NOW)))
    engine.dispose()
    shown = screen(answer, locale)
    assert [word for word in words if word not in shown] == []
    backups = shown[: shown.index(words[1])]
    assert backups.count("●") >= 3
    assert backups.count("● 11-21") == 3  # the vault's weekly proofs
