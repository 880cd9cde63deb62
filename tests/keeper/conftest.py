"""The servers and tools of the backup's own tests."""

from tests.backup.conftest import host, made_repositories, programs, restic_on_path

__all__ = ["host", "made_repositories", "programs", "restic_on_path"]
