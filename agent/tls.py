"""Mutual TLS: the server's context, and the names a client proved."""

import logging
import ssl
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agent.certificate import required_certificate, validity_problem
from agent.config import Tls
from agent.errors import AgentError

logger = logging.getLogger(__name__)


def server_context(tls: Tls, now: datetime) -> ssl.SSLContext:
    """Return a context for TLS 1.2+ that demands a client certificate of ``tls.ca``.

    The files are read once: a renewal restarts the service, which also refreshes systemd's copy of them.
    Raises AgentError for a file that is missing, damaged or does not fit; wrong dates are logged.
    """
    for path in (tls.ca, tls.certificate):
        problem = validity_problem(path, required_certificate(path), now)
        if problem is not None:
            # Served all the same: who asks then learns the cause by name, where a closed port would say nothing.
            logger.error("%s", problem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    context.load_verify_locations(cafile=tls.ca)
    renew = "run the playbook with --tags pki,agent"
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except ssl.SSLError as error:
        cause = f"no private key that fits {tls.certificate} ({error.reason or error})"
        raise AgentError(str(tls.key), cause, renew) from error
    except OSError as error:
        raise AgentError(str(tls.key), f"private key: {error.strerror or error}", renew) from error
    return context


def _no_password() -> str:
    raise ssl.SSLError("the private key is encrypted; a service has nobody to ask")


def peer_names(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """Return common name and DNS names of ``SSLSocket.getpeercert()``'s result."""
    if certificate is None:
        return frozenset()
    names = {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}
    names |= {value for part in certificate.get("subject", ()) for kind, value in part if kind == "commonName"}
    return frozenset(names)
