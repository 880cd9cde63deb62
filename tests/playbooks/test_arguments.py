"""Every role says which variables it takes, and its defaults are the ones that it says."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path.parent.parent for path in Path("playbooks/roles").glob("*/tasks/main.yml"))


def read(path: Path) -> Any:  # noqa: ANN401 - YAML holds anything
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_defaults_are_those_of_the_argument_specification(role: Path):
    options = read(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = read(role / "defaults/main.yml") or {}
    optional = {name for name, option in options.items() if not option.get("required")}
    assert set(defaults) - set(options) == set(), "a default that no specification names"
    assert optional - set(defaults) == set(), "an optional variable without a default would be undefined"
    for name, option in options.items():
        assert option["description"], name
        if "default" in option:
            assert option["default"] == defaults[name], name


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_variable_of_a_role_has_its_name(role: Path):
    names = {*(read(role / "defaults/main.yml") or {}), *(read(role / "vars/main.yml") or {})}
    assert {name for name in names if not name.startswith(f"{role.name}_")} == set()


def test_site_imports_every_playbook_and_every_role_is_used():
    books = {path.name for path in Path("playbooks").glob("*.yml")} - {"site.yml"}
    assert {play["ansible.builtin.import_playbook"] for play in read(Path("playbooks/site.yml"))} == books
    text = "".join(path.read_text(encoding="utf-8") for path in Path("playbooks").rglob("*.yml"))
    assert [
        role.name for role in ROLES if f"role: {role.name}\n" not in text and f"name: {role.name}\n" not in text
    ] == []
