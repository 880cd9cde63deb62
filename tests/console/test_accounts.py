"""People log in, are locked out, and change their passwords; every event is on record."""

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from sqlalchemy.orm import Session, sessionmaker

from console.audit.log import AuditLog
from console.auth.access import Access
from console.auth.accounts import (
    LOCK_TIME,
    AccountError,
    Answer,
    account_count,
    authenticate,
    change_password,
    create_account,
)
from console.auth.firstlogin import VALID, SecretRefusedError, issue_secret, redeem_secret
from console.auth.passwords import PARAMETERS, password_faults, password_matches
from console.auth.sessions import (
    IDLE,
    LONGEST,
    end_session,
    live_sessions,
    remove_ended,
    session_account,
    start_session,
)
from console.store.models import Account, LoginSession, OneTimeSecret, Role
from tests.clock import Clock
from tests.console.conftest import NOW

GOOD = "Warm-tea at 7 o'clock"


@pytest.fixture
def access(session: Session, audit: AuditLog) -> Access:
    return Access(session, audit, NOW, "198.18.0.5")


@pytest.fixture
def account(access: Access) -> Account:
    account = create_account(access, "Nurse.Li", GOOD, Role.OPERATOR, "admin")
    access.session.commit()
    return account


def later(access: Access, delay: timedelta) -> Access:
    return Access(access.session, access.audit, access.now + delay, access.address)


def events(audit: AuditLog) -> list[tuple[str, str, str]]:
    text = audit.files.log(NOW.date()).read_text(encoding="utf-8")
    records = [json.loads(line) for line in text.splitlines()]
    return [(one["actor"], one["action"], one["result"]) for one in records]


def test_the_right_password_is_welcome_whatever_the_case_of_the_name(access: Access, account: Account) -> None:
    attempt = authenticate(access, " NURSE.li ", GOOD)
    assert (attempt.answer, attempt.account) == (Answer.WELCOME, account)
    assert account.last_login_at == NOW


def test_a_hash_is_argon2id_and_differs_for_the_same_password(access: Access, account: Account) -> None:
    other = create_account(access, "other", GOOD, Role.AUDITOR, "admin")
    assert account.password_hash.startswith(PARAMETERS)
    assert account.password_hash != other.password_hash
    assert GOOD not in account.password_hash


def test_five_failures_lock_the_account_until_the_timer_ends(access: Access, account: Account) -> None:
    answers = [authenticate(access, "nurse.li", "wrong").answer for _ in range(5)]
    assert answers == [Answer.WRONG] * 4 + [Answer.LOCKED]
    locked = authenticate(access, "nurse.li", GOOD)
    assert (locked.answer, locked.locked_until) == (Answer.LOCKED, NOW + LOCK_TIME)
    almost = later(access, LOCK_TIME - timedelta(seconds=1))
    assert authenticate(almost, "nurse.li", GOOD).answer is Answer.LOCKED
    after = later(access, LOCK_TIME)
    assert authenticate(after, "nurse.li", "wrong").answer is Answer.WRONG
    assert authenticate(after, "nurse.li", GOOD).answer is Answer.WELCOME
    assert ("system", "account.locked", "success") in events(access.audit)


def test_a_good_login_forgets_earlier_failures(access: Access, account: Account) -> None:
    for _ in range(3):
        for _ in range(4):
            assert authenticate(access, "nurse.li", "wrong").answer is Answer.WRONG
        assert authenticate(access, "nurse.li", GOOD).answer is Answer.WELCOME


def test_unknown_and_disabled_accounts_answer_alike_and_the_typed_name_is_not_recorded(
    access: Access, account: Account
) -> None:
    account.disabled_at = NOW
    assert authenticate(access, "nurse.li", GOOD).answer is Answer.WRONG
    assert authenticate(access, "my-secret-typed-here", "x").answer is Answer.WRONG
    assert "my-secret-typed-here" not in access.audit.files.log(NOW.date()).read_text()


def test_an_old_hash_is_renewed_at_the_next_login(access: Access, account: Account) -> None:
    weak = Argon2id(salt=b"0" * 16, length=32, iterations=1, lanes=1, memory_cost=8)
    account.password_hash = weak.derive_phc_encoded(GOOD.encode())
    assert authenticate(access, "nurse.li", GOOD).answer is Answer.WELCOME
    assert account.password_hash.startswith(PARAMETERS)
    assert password_matches(GOOD, account.password_hash)


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("Short-1", "at least 10 characters"),
        ("onlysmallletters", "at least 3 of these kinds"),
        ("Has.nurse.li-in-it-1", "must not contain the account's name"),
        ("P@ssw0rd-2026", "too easy to guess"),
        ("Aa1!Aa1!Aa1!", "too easy to guess"),
        ("Aa1!" * 100, "at most 256 characters"),
    ],
)
def test_a_bad_password_is_told_by_the_rule_it_breaks(password: str, fault: str) -> None:
    assert any(fault in str(one) for one in password_faults(password, "nurse.li"))


def test_every_fault_of_a_new_account_is_told_at_once(access: Access) -> None:
    with pytest.raises(AccountError) as error:
        create_account(access, "1 bad name", "short", Role.OPERATOR, "admin")
    assert len(error.value.faults) >= 3


def test_a_new_password_ends_all_sessions(access: Access, account: Account) -> None:
    token = start_session(access.session, account, NOW)
    change_password(access, account, GOOD, "Cold water at 8 o'clock")
    access.session.commit()
    assert session_account(access.session, token, NOW) is None
    assert authenticate(access, "nurse.li", GOOD).answer is Answer.WRONG


def test_guessing_the_current_password_in_the_change_form_counts_as_failures(access: Access, account: Account) -> None:
    for _ in range(5):
        with pytest.raises(AccountError, match="current password is wrong"):
            change_password(access, account, "guess", "Cold water at 8 o'clock")
        access.session.rollback()
    assert authenticate(access, "nurse.li", GOOD).answer is Answer.LOCKED


def test_the_first_login_secret_makes_one_administrator_and_works_once(access: Access) -> None:
    secret = issue_secret(access, "root")
    assert secret is not None
    access.session.commit()
    stored = access.session.query(OneTimeSecret).one()
    assert secret not in stored.secret_sha256
    account = redeem_secret(access, secret.lower().replace("-", " "), "chief", GOOD)
    access.session.commit()
    assert account.role == Role.ADMINISTRATOR
    with pytest.raises(SecretRefusedError):
        redeem_secret(access, secret, "second", GOOD)
    assert issue_secret(access, "root") is None
    assert secret not in access.audit.files.log(NOW.date()).read_text()


def test_the_first_login_secret_expires_and_a_new_one_replaces_the_old(access: Access) -> None:
    old = issue_secret(access, "root") or ""
    new = issue_secret(access, "root") or ""
    access.session.commit()
    for refused, delay in ((old, timedelta()), (new, VALID), ("ABCDE", timedelta())):
        with pytest.raises(SecretRefusedError):
            redeem_secret(later(access, delay), refused, "chief", GOOD)
    assert redeem_secret(later(access, VALID - timedelta(seconds=1)), new, "chief", GOOD).username == "chief"


def test_a_bad_password_leaves_the_first_login_secret_good(access: Access) -> None:
    secret = issue_secret(access, "root") or ""
    access.session.commit()
    with pytest.raises(AccountError):
        redeem_secret(access, secret, "chief", "weak")
    access.session.rollback()
    assert redeem_secret(access, secret, "chief", GOOD).username == "chief"


def test_of_two_who_redeem_the_secret_at_once_one_wins(
    access: Access, sessions: sessionmaker[Session], audit: AuditLog
) -> None:
    secret = issue_secret(access, "root") or ""
    access.session.commit()
    with sessions.begin() as first:
        redeem_secret(Access(first, audit, NOW), secret, "chief", GOOD)
    with sessions() as second, pytest.raises(SecretRefusedError):
        redeem_secret(Access(second, audit, NOW), secret, "thief", GOOD)
    assert account_count(access.session) == 1


def test_a_session_ends_when_idle_when_too_old_and_when_logged_out(
    access: Access, account: Account, clock: Clock
) -> None:
    session = access.session
    token = start_session(session, account, NOW, "198.18.0.5", "Firefox")
    moment = NOW
    while moment + IDLE / 2 < NOW + LONGEST:
        moment += IDLE / 2
        assert session_account(session, token, moment) is account
    assert session_account(session, token, NOW + LONGEST) is None
    idle = start_session(session, account, NOW)
    assert session_account(session, idle, NOW + IDLE) is None
    out = start_session(session, account, NOW)
    assert len(live_sessions(session, account, NOW)) == 3
    end_session(session, out)
    assert session_account(session, out, NOW) is None
    remove_ended(session, NOW + LONGEST)
    assert session.query(LoginSession).count() == 0
