"""What of a task's result a person may see: diffs without secrets, messages without what was censored.

Roles mark secret tasks themselves (``diff: false``, ``no_log: true``); this is the second line.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

DIFF_LIMIT_BYTES = 20_000
MESSAGE_LIMIT_CHARACTERS = 2_000

SECRET_PATHS = re.compile(
    r"""/etc/xinglin/secrets(/|\b)
      | /etc/xinglin/pki/\S*\.key\b
      | /etc/g?shadow-?\b
      | \.htpasswd\b
      | /\.ssh/id_
      | /var/lib/xinglin/\S*/(session|secret)[^/\s]*""",
    re.VERBOSE,
)
SECRET_TEXT = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\$ANSIBLE_VAULT;|\{SHA\}[A-Za-z0-9+/]{27}=|\$(6|y|2[aby]|argon2id)\$"
)


def is_secret(*texts: str) -> bool:
    """Tell whether a path among the texts is a secret's, or a text looks like one."""
    return any(SECRET_PATHS.search(text) or SECRET_TEXT.search(text) for text in texts)


def shown_diff(result: Mapping[str, Any]) -> str | None:
    """Return a result's changes as one unified diff of at most 20 kB; None when there is none to show.

    Of a file that holds a secret only the fact that it changed is shown.
    """
    parts = [part for diff in _diffs(result) if (part := _unified(diff, _path(result)))]
    if not parts:
        return None
    text = "".join(parts)
    encoded = text.encode()
    if len(encoded) <= DIFF_LIMIT_BYTES:
        return text
    return encoded[:DIFF_LIMIT_BYTES].decode(errors="ignore") + f"\n… {len(encoded) - DIFF_LIMIT_BYTES} more bytes\n"


def _censored(result: Mapping[str, Any]) -> bool:
    return bool(result.get("_ansible_no_log") or "censored" in result)


def _diffs(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the result's diffs, those of a loop's items included."""
    if _censored(result):
        return
    diff = result.get("diff") or []
    yield from (one for one in ([diff] if isinstance(diff, Mapping) else diff) if isinstance(one, Mapping))
    for item in result.get("results") or []:
        if isinstance(item, Mapping) and item.get("changed"):
            yield from _diffs(item)


def _path(result: Mapping[str, Any]) -> str:
    arguments = (result.get("invocation") or {}).get("module_args") or {}
    return str(arguments.get("path") or arguments.get("dest") or result.get("dest") or result.get("path") or "")


def _unified(diff: Mapping[str, Any], path: str) -> str:
    if "prepared" in diff:
        text = str(diff["prepared"])
        return f"{path or 'a secret'}: changed, not shown\n" if is_secret(path, text) else text.rstrip("\n") + "\n"
    before, after = (_text(diff.get(side)) for side in ("before", "after"))
    old, new = (str(diff.get(f"{side}_header") or path) for side in ("before", "after"))
    if is_secret(old, new, path, before, after):
        return f"{new or old or 'a secret'}: changed, not shown\n"
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), old, new, lineterm="")
    text = "\n".join(lines)
    if not text and old != new:
        text = f"{old} → {new}"
    return text + "\n" if text else ""


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "".join(f"{key}: {value[key]}\n" for key in sorted(value))
    return "" if value is None else str(value)


def shown_message(result: Mapping[str, Any]) -> str | None:
    """Return what a person should read of a failed or changed task: its message and the end of its error output."""
    if _censored(result):
        return "(not shown: the task works with secrets)"
    parts = [
        str(result.get("msg") or "").strip(),
        str(result.get("stderr") or result.get("module_stderr") or "").strip(),
    ]
    items = [item for item in result.get("results") or [] if isinstance(item, Mapping) and not _censored(item)]
    parts += [str(item.get("msg") or "").strip() for item in items if item.get("failed")]
    text = "\n".join(dict.fromkeys(part for part in parts if part))
    if not text:
        return None
    if is_secret(text):
        return "(not shown: the message holds a secret)"
    return text if len(text) <= MESSAGE_LIMIT_CHARACTERS else "… " + text[-MESSAGE_LIMIT_CHARACTERS:]
