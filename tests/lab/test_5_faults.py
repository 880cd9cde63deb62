"""Faults of the clinic as the console tells them, and how they heal."""

import pytest

from tests.lab.clinic import console_status, host_state
from tests.lab.eventually import eventually
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.test_2_provision import provision

pytestmark = pytest.mark.lab

REQUEST = """
openssl req -new -key /etc/xinglin/pki/host.key -subj /CN=his1 -addext "subjectAltName=DNS:his1,IP:$1" \
  -addext extendedKeyUsage=serverAuth,clientAuth
"""
SIGN_EXPIRED = """
cat >/root/request.csr
openssl x509 -req -in /root/request.csr -CA /etc/xinglin/pki/ca.crt -CAkey /etc/xinglin/pki/ca/ca.key \
  -copy_extensions copy -not_before 20250101000000Z -not_after 20250201000000Z 2>/dev/null
"""


def problems_of(clinic: Lab, name: str) -> list[dict[str, str]]:
    return [problem for problem in console_status(clinic)["problems"] if problem["object"].startswith(name)]


def test_an_expired_certificate_is_told_and_a_provision_renews_it(clinic: Lab, appliance: Host, his: Host):
    request = his.run("bash", "-c", REQUEST, "request", his.address)
    expired = appliance.run("bash", "-c", SIGN_EXPIRED, stdin=request)
    his.run("sh", "-c", "cat >/etc/xinglin/pki/host.crt", stdin=expired)
    his.attempt("systemctl", "restart", "xinglin-agent.service")
    eventually("his1 is not ok on the console", lambda: host_state(clinic, "his1") != "ok")
    eventually(
        "the console names the certificate",
        lambda: [problem for problem in problems_of(clinic, "his1") if "ertificate" in str(problem)],
    )
    problem = problems_of(clinic, "his1")[0]
    assert problem["next_step"]
    assert problem["next_step_zh"] != problem["next_step"]
    renewed = provision(clinic.facility_directory)
    assert renewed.returncode == 0, renewed.stdout + renewed.stderr
    eventually("his1 is ok again", lambda: host_state(clinic, "his1") == "ok")


def test_a_host_without_power_is_told_and_forgiven_when_it_is_back(clinic: Lab, vault: Host):
    vault.kill()
    eventually("vault1 is not ok on the console", lambda: host_state(clinic, "vault1") != "ok")
    eventually("the console says what to do", lambda: problems_of(clinic, "vault1"))
    vault.boot()
    eventually("vault1 is ok again", lambda: host_state(clinic, "vault1") == "ok")
