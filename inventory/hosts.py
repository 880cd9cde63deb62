"""Read the tree of hosts.yml: which hosts there are, where each is described, in which groups it is."""

from dataclasses import dataclass, field

from inventory.document import Document
from inventory.mistakes import Mistake, nearest
from inventory.schema.host import GROUPS, Connection, HostVariables
from inventory.shape import check_shape
from inventory.view import View

GROUP_KEYS = ("hosts", "vars", "children")


@dataclass(frozen=True)
class HostEntry:
    """A host as hosts.yml has it; ``variables`` may still be wrong."""

    name: str
    groups: tuple[str, ...]
    variables: View


@dataclass
class _Reader:
    mistakes: list[Mistake] = field(default_factory=list)
    described: dict[str, View] = field(default_factory=dict)
    mentioned: list[tuple[View, tuple[str, ...]]] = field(default_factory=list)

    def group(self, view: View, groups: tuple[str, ...]) -> None:
        if view.value is None:
            return
        if not isinstance(view.value, dict):
            self.mistakes.append(view.mistake("is not a mapping", "a mapping with hosts, vars, children"))
            return
        for key in view.names():
            if key not in GROUP_KEYS:
                self.mistakes.append(view.get(key).mistake("unknown key", nearest(key, GROUP_KEYS)))
            elif view.get(key).value is not None and not isinstance(view.get(key).value, dict):
                self.mistakes.append(view.get(key).mistake("is not a mapping", "a mapping of `name:`"))
        if isinstance(view.get("vars").value, dict):
            self.mistakes += check_shape(view.get("vars"), Connection)
        hosts = view.get("hosts")
        for name in hosts.names():
            self.host(hosts.get(name), name, groups)
        children = view.get("children")
        for name in children.names():
            if name not in GROUPS:
                self.mistakes.append(children.get(name).mistake(f"unknown group {name}", nearest(name, GROUPS)))
            self.group(children.get(name), (*groups, name))

    def host(self, view: View, name: str, groups: tuple[str, ...]) -> None:
        self.mentioned.append((view, groups))
        if view.value is None:
            return
        if name in self.described:
            first = self.described[name]
            line = first.document.line(first.path)
            self.mistakes.append(
                view.mistake(f"host {name} is already described on line {line}", "the variables of a host in one place")
            )
            return
        self.described[name] = view

    def finish(self) -> tuple[HostEntry, ...]:
        groups: dict[str, set[str]] = {name: set() for name in self.described}
        for view, path in self.mentioned:
            name = str(view.path[-1])
            if name in groups:
                groups[name].update(path)
            else:
                known = nearest(name, self.described)
                self.mistakes.append(
                    view.mistake(f"host {name} is described nowhere", f"{known}; or describe it under all.hosts")
                )
        entries = []
        for name, variables in self.described.items():
            self.mistakes += check_shape(variables, HostVariables)
            entries.append(HostEntry(name, tuple(sorted(groups[name])), variables))
        return tuple(entries)


def read_hosts(document: Document) -> tuple[tuple[HostEntry, ...], tuple[Mistake, ...]]:
    """Return the hosts of ``document``, and every mistake of form, group and variable name."""
    reader = _Reader()
    root = View.of(document)
    allowed = "all, with hosts, vars and children below it"
    for key in root.names():
        if key != "all":
            reader.mistakes.append(root.get(key).mistake("unknown key", allowed))
    if "all" in root.names():
        reader.group(root.get("all"), ())
    else:
        reader.mistakes.append(root.get("all").mistake("is missing", allowed))
    return reader.finish(), tuple(reader.mistakes)
