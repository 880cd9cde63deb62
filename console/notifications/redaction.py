"""Keep secrets out of everything that is stored, shown or logged."""

import base64
import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

HIDDEN = "[hidden]"
# A shorter part of an address is a word like "api" or "v2"; a password is hidden whatever its length.
SHORTEST_PART = 5
LONGEST_ANSWER = 500
ADDRESS = re.compile(r"\b([a-z][a-z0-9+.-]*://)(?:[^\s/@\"'<>]*@)?([^\s/?#\"'<>]+)[^\s\"'<>]*", re.IGNORECASE)
# urllib3 names the path and the query of a failed request so.
PATH = re.compile(r"with url: \S+")


class Redactor:
    """Hides given secrets, every part of secret addresses, and the path and query of all addresses.

    Its own representation shows nothing.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        found = {form for secret in secrets for part in _parts(secret) for form in _forms(part)}
        self._secrets = tuple(sorted(found, key=len, reverse=True))  # the longest first: a part may lie in another

    def __call__(self, text: str) -> str:
        """Return ``text`` in one line of at most 500 characters without any secret."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        text = ADDRESS.sub(r"\1\2/…", PATH.sub("with url: …", text))
        line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
        return line if len(line) <= LONGEST_ANSWER else line[: LONGEST_ANSWER - 1] + "…"


def _parts(secret: str) -> Iterator[str]:
    if secret:
        yield secret
    if "://" not in secret:
        return
    try:
        address = urlsplit(secret)
    except ValueError:  # not even an address; apprise says so to the reader
        return
    yield from (one for one in (address.username, address.password) if one)
    pieces = [address.netloc.rpartition("@")[2], *address.path.split("/")]
    pieces += [value for _key, value in parse_qsl(address.query)]
    yield from (piece for piece in pieces if len(piece) >= SHORTEST_PART)


def _forms(part: str) -> Iterator[str]:
    """Yield the ways in which a secret may be written in an address or a header."""
    plain = unquote(part)
    for one in (part, plain):
        yield from (one, quote(one, safe=""), quote_plus(one), base64.b64encode(one.encode()).decode())
