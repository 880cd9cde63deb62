"""The backup tests' real servers, for restores."""

from tests.backup.conftest import cluster, host, made_repositories, programs, restic_on_path, units_umask

__all__ = ["cluster", "host", "made_repositories", "programs", "restic_on_path", "units_umask"]
