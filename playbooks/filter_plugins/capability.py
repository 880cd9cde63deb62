"""Linux capabilities as /proc shows them."""

from collections.abc import Callable


def has_capability(status: str, number: int) -> bool:
    """Tell whether ``status`` (text of ``/proc/PID/status``) has capability ``number`` in its bounding set."""
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == "CapBnd":
            return bool(int(value, 16) >> number & 1)
    raise ValueError("no CapBnd line; this is not the text of /proc/PID/status")


class FilterModule:
    """What Ansible looks for in a filter plug-in."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by the name that templates use."""
        return {"has_capability": has_capability}
