"""What the daemon sees and does at its own host's upsd."""

import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from agent.nut.client import NutClient, NutError
from agent.nut.reading import ups_reading
from agent.power.config import Upsd
from agent.power.plan import Ups
from agent.ups.reading import Flag, UpsReading

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 3.0
FORCED, CLEAR = "OL FSD", "OL"
"""A latch is a dummy UPS.  Its forced shutdown is a word of its own status, not upsd's FSD, which only a restart of
upsd takes back: upsmon heeds both alike, and this one can be cleared when the mains is back."""


@dataclass(frozen=True)
class Seen:
    """One look at upsd.  ``reading`` is None without current data, ``logged_in`` None when upsd does not answer."""

    reading: UpsReading | None = None
    runtime_low_seconds: float = 0.0
    logged_in: frozenset[str] | None = None
    forced: frozenset[str] = frozenset()


class UpsdSession:
    """One connection to upsd, made anew whenever it is lost; for one thread."""

    def __init__(self, upsd: Upsd, password: str, tls: ssl.SSLContext | None) -> None:
        self._upsd = upsd
        self._password = password
        self._tls = tls if upsd.server_name else None
        self._client: NutClient | None = None
        self._complaint = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._drop()

    def look(self, ups: Ups) -> Seen:
        """Return what upsd knows of a UPS, its latches and who is logged in; never raises."""
        try:
            client = self._connected()
            variables = self._variables(client, ups.name)
            logged_in = self._logged_in(client, ups)
            latches = [stage.latch for stage in ups.stages if stage.latch]
            forced = {latch for latch in latches if _is_forced(self._variables(client, latch))}
        except NutError as error:
            self._complain(str(error))
            self._drop()
            return Seen()
        if _is_forced(variables):
            forced.add(ups.name)
        if variables is None:
            return Seen(None, 0.0, logged_in, frozenset(forced))
        self._complain("")
        low = variables.get("battery.runtime.low", "")
        seconds = float(low) if low.replace(".", "", 1).isdigit() else 0.0
        return Seen(ups_reading(variables), seconds, logged_in, frozenset(forced))

    def set_latch(self, latch: str, *, forced: bool) -> None:
        """Set or clear a stage's latch.  Raises NutError."""
        self._do(lambda client: client.set_variable(latch, "ups.status", FORCED if forced else CLEAR))

    def force(self, ups: str) -> None:
        """Force the UPS's own shutdown: upsd keeps it until it is started anew.  Raises NutError."""
        self._do(lambda client: client.force_shutdown(ups))

    def command(self, ups: str, *names: str) -> None:
        """Have the UPS do the first of the instant commands that it knows.  Raises NutError."""
        for name in names[:-1]:
            try:
                self._do(lambda client, name=name: client.command(ups, name))  # type: ignore[misc]
            except NutError as error:
                if error.code not in {"CMD-NOT-SUPPORTED", "INSTCMD-FAILED"}:
                    raise
            else:
                return
        self._do(lambda client: client.command(ups, names[-1]))

    def set_variable(self, ups: str, name: str, value: str) -> None:
        """Set a variable of a simulated UPS.  Raises NutError."""
        self._do(lambda client: client.set_variable(ups, name, value))

    def _do(self, deed: Callable[[NutClient], None]) -> None:
        client = self._connected()
        try:
            deed(client)
        except NutError as error:
            if not error.code.isupper():  # not upsd's refusal: the connection broke
                self._drop()
            raise

    def _connected(self) -> NutClient:
        if self._client is None:
            upsd = self._upsd
            client = NutClient.connect(
                upsd.address, upsd.port, tls=self._tls, server_name=upsd.server_name, timeout_seconds=TIMEOUT_SECONDS
            )
            client.authenticate(upsd.user, self._password)
            self._client = client
        return self._client

    def _variables(self, client: NutClient, ups: str) -> dict[str, str] | None:
        """Return the variables, None while their driver gives none."""
        try:
            return client.variables(ups)
        except NutError as error:
            if error.code not in {"DRIVER-NOT-CONNECTED", "DATA-STALE"}:
                raise
            self._complain(f"{ups}: {error}")
            return None

    def _logged_in(self, client: NutClient, ups: Ups) -> frozenset[str]:
        found = set()
        for stage in ups.stages:
            addresses = set(client.clients(stage.latch or ups.name))
            found |= {host.name for host in stage.hosts if host.address in addresses}
        return frozenset(found)

    def _complain(self, text: str) -> None:
        """Log a trouble once, not every second."""
        if text and text != self._complaint:
            logger.warning("upsd: %s", text)
        self._complaint = text

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _is_forced(variables: dict[str, str] | None) -> bool:
    return Flag.FORCED_SHUTDOWN.value in (variables or {}).get("ups.status", "").split()
