"""The reason at the bottom of a network error."""


def innermost(error: BaseException) -> str:
    """Return the innermost reason in an error of requests, urllib3 or the system, without the address asked."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = getattr(error, "reason", None) or next(iter(error.args), None)
        if isinstance(inner, BaseException):
            error = inner
    return f"{type(error).__name__}: {error}"
