"""Find the texts of the pages: every ``_()`` and ``N_()`` of the templates and of the Python code beside them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

CONSOLE = Path(__file__).parents[2] / "console"
TEMPLATES = CONSOLE / "web" / "templates"
PYTHON = (CONSOLE / "app.py", CONSOLE / "power" / "words.py", *sorted((CONSOLE / "web").glob("*.py")))
MARKS = {"_", "N_"}


def template_messages(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (place, msgid).  A call without a plain text as its first argument is looked up elsewhere."""
    tree = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in MARKS and isinstance(call.args[0], nodes.Const):
            yield f"{path.name}:{call.lineno}", str(call.args[0].value)


def python_messages(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (place, msgid)."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MARKS and call.args:
            text = call.args[0]
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield f"{path.name}:{call.lineno}", text.value


def messages() -> dict[str, str]:
    """Return msgid → one place where it is used."""
    found: dict[str, str] = {}
    for path in sorted(TEMPLATES.glob("*.html")):
        found |= {msgid: place for place, msgid in template_messages(path)}
    for path in PYTHON:
        found |= {msgid: place for place, msgid in python_messages(path)}
    return found
