"""E-mail against a real SMTP conversation on loopback: STARTTLS, AUTH, refused and greylisted recipients."""

import ssl
from dataclasses import replace
from email import message_from_string, policy

import pytest

from console.notifications.mail import MailTransport
from console.notifications.message import Outcome
from console.notifications.plan import MailServer
from tests.notifications.conftest import MESSAGE, STYLE, now, parcel
from tests.notifications.mail_server import SmtpServer

IT, OPS = "it@qinghe.example", "ops@qinghe.example"
D, T, R = Outcome.DELIVERED, Outcome.RETRY, Outcome.REFUSED


def mailer(
    server: SmtpServer,
    context: ssl.SSLContext,
    password: str = "right",  # noqa: S107 — of the test's server
    security: str = "starttls",
    user: str = "xinglin",
) -> MailTransport:
    plan = MailServer("127.0.0.1", server.port, security, "xinglin@qinghe.example", user)
    return MailTransport(plan, password, (IT, OPS), context, style=STYLE, now=now)


def test_a_letter_goes_encrypted_and_the_servers_receipt_is_kept(smtp: SmtpServer, context: ssl.SSLContext):
    delivery = mailer(smtp, context).send(parcel())
    assert (delivery.outcome, delivery.answer) == (D, "250 2.0.0 Ok: queued as 4F2C1")
    (letter,) = smtp.letters
    assert (letter.sender, letter.recipients) == ("xinglin@qinghe.example", [IT, OPS])
    assert (letter.user, letter.encrypted) == ("xinglin", True)
    assert not any("AUTH" in line or "MAIL" in line for line in smtp.plain_lines)
    read = message_from_string(letter.text, policy=policy.default)
    assert read["Subject"] == "【严重】机柜 UPS 由电池供电"
    assert read["Importance"] == "high"
    text = read.get_content()
    assert text.index("电量 98%") < text.index("[Critical] rack-ups runs on its battery")


def test_a_letter_of_a_drill_says_so_in_its_subject_and_is_not_urgent(smtp: SmtpServer, context: ssl.SSLContext):
    mailer(smtp, context).send(parcel(replace(MESSAGE, drill="20261123T075900Z-rack-ups-0a0068")))
    read = message_from_string(smtp.letters[0].text, policy=policy.default)
    assert read["Subject"] == "【演练】【严重】机柜 UPS 由电池供电"
    assert read["Importance"] is None
    assert "[Drill] [Critical] rack-ups runs on its battery" in read.get_content()


def test_a_repeat_has_the_same_message_id(smtp: SmtpServer, context: ssl.SSLContext):
    mailer(smtp, context).send(parcel())
    mailer(smtp, context).send(parcel())
    first, second = (message_from_string(letter.text)["Message-ID"] for letter in smtp.letters)
    assert first == second


def test_a_wrong_password_is_refused(smtp: SmtpServer, context: ssl.SSLContext):
    delivery = mailer(smtp, context, password="wrong").send(parcel())
    assert delivery.outcome is R
    assert delivery.answer.startswith("535 5.7.8")
    assert "check user and password" in delivery.answer
    assert smtp.letters == []


def test_one_refused_recipient_does_not_cost_the_others_their_letter(smtp: SmtpServer, context: ssl.SSLContext):
    smtp.manners.recipients[IT] = "550 5.1.1 no such user"
    delivery = mailer(smtp, context).send(parcel())
    assert delivery.outcome is D
    assert f"{IT}: 550 5.1.1 no such user" in delivery.answer
    assert smtp.letters[0].recipients == [OPS]


def test_refused_by_all_is_refused(smtp: SmtpServer, context: ssl.SSLContext):
    smtp.manners.recipients |= {IT: "550 5.1.1 no such user", OPS: "551 5.1.6 moved away"}
    delivery = mailer(smtp, context).send(parcel())
    assert delivery.outcome is R
    assert "no such user" in delivery.answer
    assert "moved away" in delivery.answer


def test_a_greylisted_recipient_gets_it_later_and_the_other_only_once(smtp: SmtpServer, context: ssl.SSLContext):
    transport = mailer(smtp, context)
    smtp.manners.recipients[IT] = "451 4.7.1 greylisted, come back"
    delivery = transport.send(parcel())
    assert delivery.outcome is T
    assert "greylisted" in delivery.answer
    smtp.manners.recipients.clear()
    assert transport.send(parcel()).outcome is D
    assert [letter.recipients for letter in smtp.letters] == [[OPS], [IT]]


@pytest.mark.parametrize(("reply", "outcome"), [("452 4.3.1 disk full", T), ("554 5.7.1 spam", R)])
def test_the_reply_to_the_letter_decides(smtp: SmtpServer, context: ssl.SSLContext, reply: str, outcome: Outcome):
    smtp.manners.taken = reply
    delivery = mailer(smtp, context).send(parcel())
    assert (delivery.outcome, delivery.answer) == (outcome, reply)


def test_a_letter_that_was_taken_is_not_sent_again_because_of_the_farewell(smtp: SmtpServer, context: ssl.SSLContext):
    smtp.manners.farewell = "421 4.3.2 shutting down"
    delivery = mailer(smtp, context).send(parcel())
    assert (delivery.outcome, delivery.answer) == (D, "250 2.0.0 Ok: queued as 4F2C1")


def test_a_server_without_starttls_gets_neither_password_nor_letter(smtp: SmtpServer, context: ssl.SSLContext):
    smtp.manners.offers_starttls = False
    delivery = mailer(smtp, context).send(parcel())
    assert delivery.outcome is T
    assert "STARTTLS" in delivery.answer
    assert not any("AUTH" in line or "MAIL" in line for line in smtp.plain_lines)


def test_a_server_of_another_authority_gets_neither_password_nor_letter(smtp: SmtpServer):
    delivery = mailer(smtp, ssl.create_default_context()).send(parcel())
    assert delivery.outcome is T
    assert "CERTIFICATE_VERIFY_FAILED" in delivery.answer
    assert smtp.letters == []


def test_inside_the_house_a_server_may_take_letters_without_a_user(smtp: SmtpServer, context: ssl.SSLContext):
    assert mailer(smtp, context, security="none", user="").send(parcel()).outcome is D
    assert smtp.letters[0].user is None


def test_a_server_that_is_away_is_tried_again(smtp: SmtpServer, context: ssl.SSLContext):
    transport = mailer(smtp, context)
    smtp.close()
    delivery = transport.send(parcel())
    assert delivery.outcome is T
    assert "no answer from 127.0.0.1" in delivery.answer
