"""The second net: mask what looks like a secret in any probe's output.  The probes themselves print none."""

import re

MASK = "[redacted]"
_PATTERNS = (
    # crypt(5): $id$…$…$hash, and the yescrypt, scrypt and bcrypt forms
    re.compile(r"\$(?:\d|[a-z0-9-]{1,10})\$[^\s:$]*\$?[./A-Za-z0-9,=+-]*\$[./A-Za-z0-9+=]{20,}"),
    re.compile(r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    # the part between scheme:// and @ in an address
    re.compile(r"(?<=://)[^/\s@]+:[^/\s@]+(?=@)"),
    # name = value, where the name is a secret's
    # name=value, where the name is a secret's (a colon is no sign: sudoers has "NOPASSWD: ALL", grep "file:line")
    re.compile(
        r"(?i)((?:[\w.-]*(?:passwd|password|passphrase|secret|api_?key|token|psk))[ \t]*=[ \t]*)"
        r"(\"[^\"]*\"|'[^']*'|[^\s,;]+)"
    ),
)


def redact(text: str) -> str:
    """Return ``text`` with hashes, private keys, credentials in addresses and assigned secrets masked."""
    for pattern in _PATTERNS[:-1]:
        text = pattern.sub(MASK, text)
    return _PATTERNS[-1].sub(rf"\1{MASK}", text)
