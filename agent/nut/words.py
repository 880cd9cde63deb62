"""upsd's line syntax: words parted by spaces, quoted where they hold one, escaped with a backslash (parseconf)."""

from agent.nut.errors import Code, NutError


def split(line: str) -> list[str]:
    """Return a line's words.  Raises ``NutError`` (bad_answer) for a quote that is not closed."""
    words: list[str] = []
    word: list[str] | None = None
    quoted = escaped = False
    for character in line:
        if escaped:
            word = [*(word or []), character]
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
            word = word if word is not None else []  # "" is a word, too
        elif character == " " and not quoted:
            if word is not None:
                words.append("".join(word))
            word = None
        else:
            word = word if word is not None else []
            word.append(character)
    if quoted or escaped:
        raise NutError(Code.BAD_ANSWER, f"a quote is not closed: {line[:80]!r}")
    if word is not None:
        words.append("".join(word))
    return words


def quote(word: str) -> str:
    """Return ``word`` as one word of a request.

    Raises ``NutError`` (INVALID-ARGUMENT) for what upsd cannot take: its parser drops every byte outside
    printable ASCII, and a line break would begin another request.  ``#`` would begin a comment, even in quotes.
    """
    if not word.isascii() or not (word.isprintable() or not word):
        raise NutError(Code.INVALID_ARGUMENT, f"only printable ASCII goes to upsd, not {word[:40]!r}")
    escaped = "".join(f"\\{character}" if character in '\\"#' else character for character in word)
    return f'"{escaped}"'
