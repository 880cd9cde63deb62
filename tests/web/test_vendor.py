"""Browser libraries come from the npm registry by lock file, and a failure says what to do."""

import json
import shutil
from pathlib import Path

import pytest

from console.web import vendor


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A console directory in which nothing is installed yet."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(vendor.CONSOLE / name, tmp_path / name)
    return tmp_path


def test_the_lock_pins_every_package_by_hash_and_names_no_registry() -> None:
    lock = json.loads((vendor.CONSOLE / "package-lock.json").read_text())
    for path, package in lock["packages"].items():
        if path:
            assert package["integrity"].startswith("sha512-")
            assert "resolved" not in package


def test_nothing_is_installed_again_while_the_lock_is_met() -> None:
    vendor.ensure()
    assert vendor.ensure() is False


def test_a_directory_without_its_packages_is_not_taken_for_installed(fresh: Path) -> None:
    assert not vendor.installed(fresh)


def test_a_missing_served_file_means_not_installed(fresh: Path) -> None:
    vendor.ensure()
    shutil.copytree(vendor.CONSOLE / "node_modules", fresh / "node_modules")
    assert vendor.installed(fresh)
    (fresh / vendor.FILES["uPlot.min.css"]).unlink()
    assert not vendor.installed(fresh)


def test_a_package_that_differs_from_the_lock_is_refused_with_a_next_step(fresh: Path) -> None:
    lock = fresh / "package-lock.json"
    document = json.loads(lock.read_text())
    document["packages"]["node_modules/uplot"]["version"] = "1.6.31"
    lock.write_text(json.dumps(document))
    with pytest.raises(vendor.VendorError, match="Next: check the route to the npm registry"):
        vendor.ensure(fresh)
