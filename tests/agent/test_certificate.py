"""The certificate reader, held against the cryptography package."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent.certificate import parse_certificate, read_certificate, required_certificate, validity_problem
from agent.errors import AgentError
from tests.agent.pki import DAY, Authority


def der(subject: x509.Name, start: datetime, end: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC)),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, 12, 30, 1, tzinfo=UTC)),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_validity_is_read_in_both_time_formats(start: datetime, end: datetime):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "his1")])
    certificate = parse_certificate(der(subject, start, end))
    assert (certificate.subject, certificate.not_before, certificate.not_after) == ("CN=his1", start, end)


def test_the_subject_is_read_with_chinese_text_and_long_lengths():
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "清河镇卫生院" * 9),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "信息科"),
            x509.NameAttribute(NameOID.COMMON_NAME, "his1"),
        ]
    )
    certificate = parse_certificate(der(subject, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)))
    assert certificate.subject == f"C=CN,O={'清河镇卫生院' * 9},OU=信息科,CN=his1"


def test_every_cut_of_a_certificate_is_a_value_error():
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "his1")])
    whole = der(subject, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    for length in range(len(whole)):
        with pytest.raises(ValueError, match="certificate"):
            parse_certificate(whole[:length])


def test_a_file_without_a_certificate_is_a_value_error(tmp_path: Path):
    path = tmp_path / "empty.crt"
    path.write_bytes(b"\xff\x00nothing")
    with pytest.raises(ValueError, match="no PEM certificate"):
        read_certificate(path)


def problem_of(path: Path) -> str:
    return str(validity_problem(path, required_certificate(path), datetime.now(UTC)))


def test_an_expired_certificate_is_told_with_its_date_and_the_next_step(authority: Authority):
    issued = authority.issue("late", start=-9 * DAY, end=-DAY)
    told = r"the certificate of CN=late expired at 20.* UTC\. Next: run the playbook"
    assert re.search(told, problem_of(issued.certificate))


def test_a_certificate_from_the_future_points_at_the_clock(authority: Authority):
    issued = authority.issue("early", start=DAY, end=9 * DAY)
    assert re.search(r"is not valid before .* check this host's clock", problem_of(issued.certificate))


def test_a_certificate_of_today_has_no_problem(authority: Authority):
    assert problem_of(authority.issue("good").certificate) == "None"


def test_a_missing_certificate_is_told(tmp_path: Path):
    with pytest.raises(AgentError, match=r"host.crt: certificate: No such file or directory\. Next: run the playbook"):
        required_certificate(tmp_path / "host.crt")
