"""Compare a flat directory of files with the digests that it should have.

Options ``path`` and ``files`` (name → SHA-256).  Files that are not named, or are only half there, are removed (files
whose name begins with a dot are left alone).  Returns ``missing``: the names that must be copied; nothing is changed
for them here.  Check mode is supported.
"""

from __future__ import annotations

import hashlib
import os

from ansible.module_utils.basic import AnsibleModule


def digests(path: str) -> dict[str, str]:
    """Return name → SHA-256 of the files in ``path``; nothing when there is no such directory."""
    found = {}
    if os.path.isdir(path):  # noqa: PTH112
        for entry in os.scandir(path):
            if entry.is_file(follow_symlinks=False) and not entry.name.startswith("."):
                with open(entry.path, "rb") as file:  # noqa: PTH123
                    found[entry.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={"path": {"type": "path", "required": True}, "files": {"type": "dict", "required": True}},
        supports_check_mode=True,
    )
    path, wanted = module.params["path"], module.params["files"]
    present = digests(path)
    wrong = sorted(name for name, digest in present.items() if wanted.get(name) != digest)
    if not module.check_mode:
        for name in wrong:
            os.unlink(os.path.join(path, name))  # noqa: PTH108, PTH118
    missing = sorted(name for name, digest in wanted.items() if present.get(name) != digest)
    listing = {"before": "".join(f"{n}\n" for n in sorted(present)), "after": "".join(f"{n}\n" for n in sorted(wanted))}
    module.exit_json(changed=bool(wrong), missing=missing, removed=wrong, diff={**listing, "after_header": path})


if __name__ == "__main__":
    main()
