"""One clinic for all lab tests: made as a person makes it, and gone when they end, whatever happened."""

import os
from collections.abc import Iterator

import pytest

from tests.lab import lab as labs
from tests.lab import prerequisites
from tests.lab.clinic import Arrival, bring_up
from tests.lab.host import Host
from tests.lab.lab import Lab


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count lab tests as skipped, with the reason, where real hosts cannot boot."""
    reason = prerequisites.unavailable()
    if reason is None:
        return
    for item in items:
        if item.get_closest_marker("lab"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def bare_lab() -> Iterator[Lab]:
    """Freshly installed Debian hosts, booted, with nothing of ours on them."""
    labs.sweep()
    with labs.held(labs.create(f"test-{os.getpid()}")) as lab:
        lab.boot()
        yield lab


@pytest.fixture(scope="session")
def arrival(bare_lab: Lab) -> Arrival:
    """The clinic as `up` leaves it, and what `up` said."""
    return bring_up(bare_lab.name)


@pytest.fixture(scope="session")
def clinic(arrival: Arrival) -> Lab:
    """The clinic, up: provisioned, backed up, proved."""
    return arrival.lab


@pytest.fixture(scope="session")
def appliance(clinic: Lab) -> Host:
    return clinic.host("appliance1")


@pytest.fixture(scope="session")
def his(clinic: Lab) -> Host:
    return clinic.host("his1")


@pytest.fixture(scope="session")
def vault(clinic: Lab) -> Host:
    return clinic.host("vault1")
