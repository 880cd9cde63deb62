"""Reads exposition text the way a Prometheus server does."""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from agent.registry import render

Key = tuple[str, frozenset[tuple[str, str]]]


def key(metric: str, /, **labels: str) -> Key:
    """Return the key of one sample."""
    return metric, frozenset(labels.items())


def parse(text: bytes) -> dict[Key, float]:
    """Return the samples of a page; a sample given twice is an error."""
    found: dict[Key, float] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            name = key(sample.name, **sample.labels)
            assert name not in found, f"{name} is there twice"
            found[name] = sample.value
    return found


def samples(families: Iterable[Metric]) -> dict[Key, float]:
    """Return the samples of ``families``, by way of their text."""
    return parse(render(families))
