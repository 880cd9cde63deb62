"""A repository for what the sources store."""

import pytest

from tests.backup.clinic_host import ClinicHost, both
from tests.backup.conftest import host, made_repositories, programs, restic_on_path
from tests.sources.rig import Rig

__all__ = ["host", "made_repositories", "programs", "restic_on_path"]


@pytest.fixture
def rig(host: ClinicHost) -> Rig:
    """Captures and proves against the host's local repository."""
    local, _ = both(host.with_files())
    (host.root / "rig").mkdir()
    return Rig(local, host.root / "rig")
