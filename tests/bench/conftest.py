"""The real services of the backup's tests, for measurements."""

from tests.backup.conftest import made_repositories, programs, restic_on_path

__all__ = ["made_repositories", "programs", "restic_on_path"]
