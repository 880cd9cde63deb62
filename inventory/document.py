"""Read one YAML file into plain data, remembering the line of every key and finding every syntax mistake.

PyYAML, because Ansible reads the same file with it: a scalar means here what it means there (12:30 is 750).
"""

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from inventory.mistakes import Mistake

Keys = tuple[str | int, ...]

STANDARD_TAG = "tag:yaml.org,2002:"


def spell(path: Keys) -> str:
    """Return ``("zones", 1, "cidr")`` as ``zones[1].cidr``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


@dataclass
class Document:
    """A read file: ``data`` is plain (dict, list, scalar) or None when it could not be read.

    ``refused`` holds the paths whose value was already refused, so that nobody reports them again.
    """

    file: Path
    data: dict[str, Any] | None = None
    mistakes: list[Mistake] = field(default_factory=list)
    lines: dict[Keys, int] = field(default_factory=dict)
    refused: set[Keys] = field(default_factory=set)
    secret: bool = False

    def line(self, path: Keys) -> int:
        """Return the line of ``path``, or of its nearest parent that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def mistake(self, path: Keys, problem: str, allowed: str) -> Mistake:
        """Return a mistake at ``path`` of this file."""
        return Mistake(self.file, self.line(path), spell(path), problem, allowed)

    def refuse(self, line: int, problem: str, allowed: str, path: Keys = ()) -> None:
        """Remember a mistake of the file's form."""
        self.mistakes.append(Mistake(self.file, line, spell(path), problem, allowed))


def read_document(file: Path) -> Document:
    """Read ``file``; never raises for its content: what is wrong is in ``mistakes``."""
    try:
        content = file.read_bytes()
    except OSError as error:
        document = Document(file)
        document.refuse(1, f"can't be read: {error.strerror}", "a readable YAML file")
        return document
    return parse_document(file, content)


def parse_document(file: Path, content: bytes, *, secret: bool = False) -> Document:
    """Parse ``content`` as the text of ``file``, the same way; of ``secret`` content no mistake shows a piece."""
    document = Document(file, secret=secret)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        document.refuse(line, f"is not UTF-8 from byte {error.start} on", "text in UTF-8; save the file as UTF-8")
        return document
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        tabs = [n for n, text_line in enumerate(text.split("\n"), 1) if re.match(r" *\t+ *[^\s#]", text_line)]
        for line in tabs:
            document.refuse(line, "the indentation has a tab", "spaces only; replace the tab by spaces")
        if tabs:
            return document
        mark = error.problem_mark or error.context_mark
        problem = "" if secret else ": " + " ".join(filter(None, (error.context, error.problem)))
        document.refuse(mark.line + 1 if mark else 1, f"is not YAML{problem}", "valid YAML")
        return document
    except yaml.YAMLError as error:  # a control character: PyYAML gives an offset, not a mark
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        document.refuse(line, "has a character that YAML does not allow", "printable text")
        return document
    if node is None:
        document.refuse(1, "is empty", "a YAML mapping of `key: value`")
    else:
        data = _plain(document, node, (), ())
        if isinstance(data, dict):
            document.data = data
        else:
            document.refuse(node.start_mark.line + 1, "is not a mapping", "a YAML mapping of `key: value`")
    return document


def _plain(document: Document, node: Node, path: Keys, parents: tuple[Node, ...]) -> object:
    document.lines.setdefault(path, node.start_mark.line + 1)
    if node in parents:
        document.refuse(node.start_mark.line + 1, "an alias contains itself", "values written out", path)
        document.refused.add(path)
        return None
    tag = str(node.tag)
    if not tag.startswith(STANDARD_TAG):
        allowed = "plain values; secrets live in group_vars/all/vault.yml, encrypted as a whole"
        document.refuse(document.line(path), f"the tag {tag} is not used here", allowed, path)
        document.refused.add(path)
        return None
    if isinstance(node, MappingNode):
        return _mapping(document, node, path, (*parents, node))
    if isinstance(node, SequenceNode):
        return [_plain(document, item, (*path, i), (*parents, node)) for i, item in enumerate(node.value)]
    return _scalar(document, node, path)


def _mapping(document: Document, node: MappingNode, path: Keys, parents: tuple[Node, ...]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode) or key_node.tag != STANDARD_TAG + "str":
            shown = f"the key {key_node.value}" if isinstance(key_node, ScalarNode) and not document.secret else "a key"
            document.refuse(line, f"{shown} is not text", "a name as key; quote it if it is meant as text", path)
            continue
        key = str(key_node.value)
        here = (*path, key)
        if key in data:
            first = document.lines[here]
            document.refuse(line, f"the key is already on line {first}", "each key once; remove or rename one", here)
            continue
        document.lines[here] = line
        data[key] = _plain(document, value_node, here, parents)
    return data


def _scalar(document: Document, node: Node, path: Keys) -> Hashable:
    try:
        value: Hashable = SafeConstructor().construct_object(node)
    except (yaml.YAMLError, ValueError):
        shown = "this" if document.secret else str(node.value)
        document.refuse(document.line(path), f"{shown} is not a value", "a valid value, or text in quotes", path)
        document.refused.add(path)
        return None
    return value
