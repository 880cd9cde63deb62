"""A whole facility to break: the example clinic with secrets of its own."""

import shutil
from pathlib import Path

import pytest

from inventory.create import make_secrets

EXAMPLE = Path(__file__).parents[2] / "inventory" / "qinghe"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with secrets, made once; don't change it."""
    directory = tmp_path_factory.mktemp("made") / "qinghe"
    shutil.copytree(EXAMPLE, directory)
    make_secrets(directory)
    return directory


@pytest.fixture
def clinic(made: Path, tmp_path: Path) -> Path:
    """A copy of the example with secrets, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "qinghe"))
