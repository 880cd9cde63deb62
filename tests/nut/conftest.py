"""One real upsd for the tests of a module; each test changes only UPSes of its own."""

from collections.abc import Iterator

import pytest

from tests.nut.rig import ON_LINE, Rig, running_rig

UPSES = ("rack-ups", "rack-ups-his", "set-ups", "dying-ups")
"""``rack-ups`` is left alone; dummy-ups needs three seconds to start, so that they start together."""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Return upsd over TLS with simulated UPSes."""
    with running_rig(tmp_path_factory.mktemp("nut"), dict.fromkeys(UPSES, ON_LINE)) as running:
        yield running
