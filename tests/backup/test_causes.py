"""The texts of the causes, and how restic's words become a cause."""

import re
import string
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from backup import causes
from backup.repositories import classify
from backup.status import Cause

BACKUP = Path(causes.__file__).parents[1]
TEXTS = [text for item in causes.CAUSES.values() for text in (item.title, item.meaning, item.next_step)]


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_chinese_catalogue_is_complete_and_keeps_every_placeholder() -> None:
    with (causes.LOCALE_DIRECTORY / "zh_CN/LC_MESSAGES/backup.po").open("rb") as stream:
        catalogue = {str(item.id): str(item.string) for item in read_po(stream, locale="zh_CN") if item.id}
    assert set(catalogue) == set(TEXTS)
    for english, chinese in catalogue.items():
        assert fields(english) == fields(chinese), english
        assert re.search(r"[一-鿿]", chinese) or fields(chinese), english


def test_every_code_that_is_raised_is_explained_and_every_explained_code_is_raised() -> None:
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in BACKUP.rglob("*.py") if path.parent.name != "causes"
    )
    quoted = set(re.findall(r'"([a-z]+(?:_[a-z]+)*)"', sources))
    raised = set(re.findall(r'(?:BackupError|Cause)\(\s*(?:code=)?"([a-z_]+)"', sources))
    assert raised <= set(causes.CAUSES)
    assert set(causes.CAUSES) <= quoted


def test_a_cause_is_explained_with_its_place_and_detail() -> None:
    texts = causes.explain(Cause("source_missing", "/srv/{detail}", "gone"), lambda text: text.replace("host", "主机"))
    assert texts.meaning.startswith("/srv/{detail} does not exist on this 主机.")
    assert causes.explain(Cause("of_the_future", "x", "y")).meaning == "x: y"


REFUSED = """Fatal: unable to open config file: unexpected HTTP response (401): 401 Unauthorized
Is there a repository at the following location?"""
OFF = """Stat(<config/>) returned error, retrying after 1s: Head "https://h/config": dial tcp: connection refused
Fatal: unable to open config file: context canceled"""


@pytest.mark.parametrize(
    ("returncode", "stderr", "code"),
    [
        (10, '{"message_type":"exit_error","code":10,"message":"Fatal: no such thing"}', "repository_missing"),
        (1, "Fatal: repository does not exist: unable to open config file", "repository_missing"),
        (11, "unable to create lock in backend: repository is already locked by PID 1", "repository_locked"),
        (12, '{"message_type":"exit_error","code":12,"message":"Fatal: wrong"}', "wrong_password"),
        (1, "Fatal: wrong password or no key found", "wrong_password"),
        (1, REFUSED, "repository_refused"),
        (1, "Save(<data/1a>) failed: unexpected HTTP response (507): 507 Insufficient Storage", "repository_full"),
        (1, "Save(<data/1a>) failed: write /srv/x: no space left on device", "repository_full"),
        (1, OFF, "repository_unreachable"),
        (1, "tls: x509: certificate has expired or is not yet valid", "certificate_expired"),
        (1, "tls: failed to verify certificate: x509: signed by unknown authority", "certificate_untrusted"),
        (1, "Fatal: repository contains errors", "repository_damaged"),
        (1, "ciphertext verification failed", "repository_damaged"),
        (1, "something nobody has seen", "unknown"),
        (99, "", "unknown"),
        (127, "setpriv: failed to execute restic: No such file or directory", "tool_missing"),
    ],
)
def test_restic_words_become_a_cause(returncode: int, stderr: str, code: str) -> None:
    complaints = [item for line in stderr.split("\n") if (item := classify.read_complaint(line))]
    assert classify.classify(returncode, complaints, "local").code == code


def test_a_password_in_a_url_never_gets_through() -> None:
    complaint = classify.read_complaint('Head "https://his1:hunter2@198.18.0.10:8000/his1/config": refused')
    assert complaint is not None
    assert complaint.text == 'Head "https://198.18.0.10:8000/his1/config": refused'


@pytest.mark.parametrize("wait", ["1m24.6s", "2h1m0s"])
def test_restic_has_given_up_when_it_waits_a_minute_between_tries(wait: str) -> None:
    assert classify.has_given_up(f"Stat(<config/>) returned error, retrying after {wait}: x")


@pytest.mark.parametrize("wait", ["931.6ms", "28.7s"])
def test_restic_has_not_given_up_when_it_waits_for_seconds(wait: str) -> None:
    assert not classify.has_given_up(f"Stat(<config/>) returned error, retrying after {wait}: x")
