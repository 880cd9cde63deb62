"""The names of a facility's files, and the only way they are written: whole, with their mode, never over another."""

import os
import tempfile
from pathlib import Path

HOSTS = "hosts.yml"
VARIABLES = "group_vars/all/facility.yml"
VAULT = "group_vars/all/vault.yml"
VAULT_PASSWORD = ".vault-password"  # noqa: S105 (a file name)
OPERATOR_KEY = "operator_ed25519"
GITIGNORE = ".gitignore"
SCHEMA = ".facility.schema.json"


def write_new(file: Path, content: bytes, mode: int = 0o644) -> None:
    """Write ``file`` with ``mode`` in one step; raises FileExistsError when it is there already."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        Path(name).chmod(mode)
        os.link(name, file)
    finally:
        Path(name).unlink()
