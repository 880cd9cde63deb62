"""When certificates end."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from agent.certificate import read_certificate

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CertificateCollector:
    """End of validity of the first certificate in each file; an unreadable file is told, not left out."""

    paths: tuple[Path, ...]
    name: str = "certificates"
    interval_seconds: float = 300
    timeout_seconds: float = 10

    def collect(self) -> Iterable[Metric]:
        ends = GaugeMetricFamily(
            "xinglin_certificate_not_after_timestamp_seconds",
            "Unix time when the certificate in the file ends.",
            labels=["path", "subject"],
        )
        readable = GaugeMetricFamily(
            "xinglin_certificate_readable",
            "1 if the file holds a certificate that the agent can read.",
            labels=["path"],
        )
        for path in self.paths:
            try:
                certificate = read_certificate(path)
            except (OSError, ValueError) as error:
                logger.warning("certificate %s: %s", path, error)
                readable.add_metric([str(path)], 0)
            else:
                readable.add_metric([str(path)], 1)
                ends.add_metric([str(path), certificate.subject], certificate.not_after.timestamp())
        return ends, readable
