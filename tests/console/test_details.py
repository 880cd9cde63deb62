"""Details of records in both languages: the guard's sentences keep their numbers."""

import string

import pytest

from backup.rules.guard_words import GROWN, SENTENCES, parse
from console.details import detail_text
from console.i18n import translations

VALUES = {
    "files": "6002", "all": "20001", "share": "30%", "usual": "1%", "size": "47.1 MiB", "ratio": "1.03",
    "path": "/his.dump", "before": "1.2 GiB", "extensions": ".locked, *", "time": "2026-11-23 02:00Z",
    "other": "2026-11-22 02:00Z", "count": "9",
}  # fmt: skip


def filled(sentence: str) -> str:
    return sentence.format(**VALUES)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_of_the_guard_is_read_back_and_said_in_chinese(sentence: str) -> None:
    names = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
    assert parse(filled(sentence)) == (sentence, {name: VALUES[name] for name in names})
    text = detail_text(filled(sentence))
    assert str(text) == filled(sentence)
    chinese = text.translate("zh_CN")
    assert translations("zh_CN").gettext(sentence) != sentence
    assert [name for name in names if VALUES[name] not in chinese] == []


def test_several_anomalies_in_one_detail_are_each_said() -> None:
    text = detail_text(f"mass_change 0a1b2c3d: {filled(SENTENCES[0])}; sudden_growth 0a1b2c3d: {filled(GROWN)}")
    assert text.translate("zh_CN") == (
        "大量文件被改动 0a1b2c3d：20001 个文件中有 6002 个被改动或改名（30%，平时 1%）；"
        "突然增大 0a1b2c3d：新增 47.1 MiB（平时 1%，全部数据 20001）"
    )
    assert str(text).startswith("very many files changed 0a1b2c3d: 6002 of 20001")


def test_what_has_no_known_form_stays_as_it_is() -> None:
    for detail in ("HTTP 500: {oops}", "new_code 0a1b2c3d: 9 odd things", "x; y_z: w", "mass_change: cut off at 5", ""):
        assert "{oops}" not in detail or detail_text(detail).translate("zh_CN") == detail
        assert str(detail_text(detail)).replace("very many files changed", "mass_change") == detail
    interrupted = detail_text("process 812 was killed during: backup")
    assert str(interrupted) == "process 812 was killed during: backup"
    assert interrupted.translate("zh_CN") == "进程 812 被终止，当时的步骤：backup"
    assert detail_text("the host went down during: between two steps").translate("zh_CN").startswith("主机停机")
    assert detail_text("the session ended").translate("zh_CN") == "会话已中断"
