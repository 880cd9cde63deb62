"""What a person compares of an SSH host key."""

import subprocess


def fingerprint(known_hosts_line: str) -> str:
    """Return a key's SHA-256 fingerprint and kind as ssh-keygen shows them."""
    done = subprocess.run(
        ["ssh-keygen", "-lf", "-"], input=known_hosts_line, capture_output=True, text=True, check=True
    )
    words = done.stdout.split()
    return f"{words[1]} {words[-1]}"
