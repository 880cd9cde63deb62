"""Every text exists in Chinese, with the same placeholders."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

import compliance
from compliance.judge import judge
from compliance.results import ItemResult, Text
from compliance.texts import catalogue, render, translate
from tests.compliance.facts import RECORDINGS, an_hour_after, recorded

ROOM = Path(compliance.__file__).parent
PLACEHOLDER = re.compile(r"\{(\w+)\}")


def source_msgids() -> set[str]:
    """Return the msgids of all calls of ``text`` in the room."""
    found = extract_from_dir(ROOM, method_map=[("**.py", "python")], keywords={"text": None})
    return {msgid for _, _, msgid, _, _ in found if isinstance(msgid, str)}


def test_every_msgid_has_a_translation_and_no_translation_is_left_over():
    translated = {str(message.id) for message in catalogue("zh_CN") if message.id}
    assert len(translated) > 150
    assert translated == source_msgids()


def test_every_translation_is_chinese_and_has_the_same_placeholders():
    for message in catalogue("zh_CN"):
        if message.id:
            assert re.search(r"[\u4e00-\u9fff]", str(message.string)) or "ctl" in str(message.id), message.id
            assert not message.fuzzy, message.id
            wanted = sorted(PLACEHOLDER.findall(str(message.id)))
            assert sorted(PLACEHOLDER.findall(str(message.string))) == wanted, message.id


def test_no_text_is_made_other_than_by_its_literal():
    # A msgid that is put together at run time would be missed by the extraction above.
    for path in ROOM.rglob("*.py"):
        for call in re.findall(r"(?<![\w.])text\(\s*([^\s])", path.read_text(encoding="utf-8")):
            assert call in "\"'m", f"{path.name}: text({call}…"


def texts_of(result: ItemResult) -> list[Text]:
    """Return every text of a result."""
    outcomes = [finding.outcome for finding in result.findings]
    steps = [outcome.next_step for outcome in outcomes if outcome.next_step]
    return [result.meaning, result.next_step, *(outcome.text for outcome in outcomes), *steps]


@pytest.mark.parametrize("level", [2, 3])
@pytest.mark.parametrize("name", RECORDINGS)
def test_every_text_of_a_real_host_fills_its_placeholders_in_both_languages(name: str, level: int):
    facts = recorded(name)
    for result in judge(facts, level, an_hour_after(facts)):
        for found in texts_of(result):
            assert set(PLACEHOLDER.findall(found.msgid)) <= set(found.values)
            for locale in ("en", "zh_CN"):
                assert not PLACEHOLDER.search(render(found, locale)), found


def test_a_text_is_filled_in_the_asked_language():
    msgid = "High-risk ports are open to other machines: {names}"
    assert translate(msgid, "en", names="tcp/445") == "High-risk ports are open to other machines: tcp/445"
    assert translate(msgid, "zh_CN", names="tcp/445") == "高危端口对其他机器开放：tcp/445"


def test_a_language_or_text_without_translation_is_english():
    assert translate("unknown {x}", "zh_CN", x=1) == "unknown 1"
    assert translate("Run: auditctl -e 1", "fr") == "Run: auditctl -e 1"


def test_a_value_with_braces_does_no_harm():
    assert render(Text("A container ({kind}) has no kernel of its own.", {"kind": "{0}"}), "zh_CN").startswith(
        "容器（{0}）"
    )
