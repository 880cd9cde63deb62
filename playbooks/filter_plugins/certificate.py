"""Certificates as the playbooks look at them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509


def expires_within(pem: str, days: int, now: datetime | None = None) -> bool:
    """Tell whether the certificate ``pem`` ends within ``days`` days from ``now`` (UTC); an unreadable one does."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return True
    return certificate.not_valid_after_utc <= (now or datetime.now(UTC)) + timedelta(days=days)


class FilterModule:
    """What Ansible looks for in a filter plug-in."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by the name that templates use."""
        return {"expires_within": expires_within}
