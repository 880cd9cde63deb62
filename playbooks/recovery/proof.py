"""Run on the bare machine by its own Python, as text: is what was restored what was backed up?

Standard library only.  Argument: the directory restored into.  Stdin: JSON with ``files`` ([path, mtime_ns, sha256])
and ``databases`` ([path of the copy, {table: {query, rows, sha256}}]).  Prints a JSON list of what differs.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
import sys
from pathlib import Path


def differing_files(root: str, files: list[tuple[str, int, str]]) -> list[str]:
    """Return the files that are missing or have other content; one that changed while it was read is left out."""
    wrong = []
    for name, mtime_ns, digest in files:
        path = Path(root + name)
        try:
            if os.lstat(path).st_mtime_ns == mtime_ns and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                wrong.append(f"{name} has other content")
        except OSError as error:
            wrong.append(f"{name}: {error.strerror}")
    return wrong


def differing_tables(copy: str, tables: dict[str, dict[str, str]]) -> list[str]:
    """Return the tables of a SQLite database whose rows are not those of the manifest."""
    wrong = []
    try:
        with contextlib.closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as database:
            database.text_factory = bytes
            for name, table in tables.items():
                digest = hashlib.sha256()
                for row in database.execute(table["query"]):
                    digest.update(b"|".join(row) + b"\n")
                if digest.hexdigest() != table["sha256"]:
                    wrong.append(f"table {name} differs")
    except sqlite3.Error as error:
        wrong.append(f"{copy}: {error}")
    return wrong


if __name__ == "__main__":
    restored, asked = sys.argv[1], json.load(sys.stdin)
    found = differing_files(restored, asked["files"])
    for path, tables in asked["databases"]:
        found += differing_tables(restored + path, tables)
    print(json.dumps(found))
