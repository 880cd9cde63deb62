"""Notifications that come again and again: which are news, and how many of one sender are looked at."""

BUDGET = 40
BUDGET_SECONDS = 10.0
REPEAT_SECONDS = 90.0
"""RFC 1628 upsTrapOnBattery comes every minute while it lasts."""

OPPOSITES = {
    "on_battery": "mains_back",
    "communication_lost": "communication_back",
    "link_down": "link_up",
}
_OPPOSITES = {**OPPOSITES, **{back: gone for gone, back in OPPOSITES.items()}}


class Budget:
    """How many notifications of one sender are decoded in a time; more cost processor time and tell nothing new."""

    def __init__(self) -> None:
        self._left = float(BUDGET)
        self._at = 0.0

    def spend(self, now: float) -> bool:
        """Return whether there is one left at ``now`` (monotonic seconds), and take it."""
        self._left = min(BUDGET, self._left + (now - self._at) * BUDGET / BUDGET_SECONDS)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class News:
    """Tells a repeated event of one device from a new one."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], float] = {}

    def is_new(self, code: str, detail: str, now: float) -> bool:
        """Return whether this was not seen a short while before ``now`` (monotonic seconds), or was over since."""
        self._seen = {key: at for key, at in self._seen.items() if now - at < REPEAT_SECONDS}
        if code in _OPPOSITES:
            same = {
                key for key in self._seen if key[0] == _OPPOSITES[code] and (code[:4] != "link" or key[1] == detail)
            }
            for key in same:
                del self._seen[key]
        new = (code, detail) not in self._seen
        self._seen[code, detail] = now
        return new
