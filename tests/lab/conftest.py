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


@pytest.fixture(scope="module")
def nights_by_hand(his: Host) -> Iterator[None]:
    """Only the tests start a night: one that is started while the timer's looks what is due ends as that look does."""
    his.run("systemctl", "disable", "--now", "xinglin-backup.timer")
    his.run("systemctl", "stop", "xinglin-backup-again.timer")
    his.attempt("systemctl", "start", "xinglin-backup.service", timeout_seconds=900)  # what was going on has ended, too
    yield
    his.run("systemctl", "enable", "--now", "xinglin-backup.timer")
