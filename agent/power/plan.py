"""What is known beforehand: the stages in which a UPS's hosts go down, and what must answer when they are back."""

from dataclasses import dataclass

MARGIN = 1.2
"""Of the time that the stages need: a battery's estimate and a shutdown's time are both guesses."""


@dataclass(frozen=True)
class Host:
    """A fed host: ``address`` and ``port`` of its agent, ``mac`` and ``broadcast`` for Wake-on-LAN ("" = none).

    Without an ``agent`` it is only seen from outside: ``port`` is the TCP port that is asked, 0 for an ICMP echo.
    """

    name: str
    address: str
    port: int
    mac: str = ""
    broadcast: str = ""
    agent: bool = True

    @property
    def asked(self) -> str:
        """How it is asked whether it is there: agent, tcp/3389 or icmp."""
        if self.agent:
            return "agent"
        return f"tcp/{self.port}" if self.port else "icmp"


@dataclass(frozen=True)
class Stage:
    """Hosts that go together.  ``latch`` is upsd's name of the stage's own switch, None in the last stage (the UPS)."""

    name: str
    hosts: tuple[Host, ...]
    below_seconds: float
    takes_seconds: float
    latch: str | None


@dataclass(frozen=True)
class Ups:
    """A UPS of this host, whose name is ``own``.  ``simulated``: its driver is a dummy, a drill may set its state."""

    name: str
    own: str
    stages: tuple[Stage, ...]
    simulated: bool = False
    sync_seconds: float = 0.0  # upsmon's HOSTSYNC: so long the last stage waits for a host that hangs

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Every fed host, in the order of the stages."""
        return tuple(host for stage in self.stages for host in stage.hosts)

    def stage_of(self, host: str) -> Stage:
        """Return the stage of a fed host; raises KeyError."""
        for stage in self.stages:
            if any(one.name == host for one in stage.hosts):
                return stage
        raise KeyError(host)

    def needs_seconds(self, first: int) -> float:
        """Seconds that the stages from number ``first`` on need, one after the other, with the margin."""
        return MARGIN * sum(stage.takes_seconds for stage in self.stages[first:])


@dataclass(frozen=True)
class ReturnCheck:
    """A TCP service of a host that must answer after the return."""

    name: str
    host: str
    address: str
    tcp: int


@dataclass(frozen=True)
class Limits:
    """How long what is waited for; seconds, and a ratio of the battery's charge."""

    dead_seconds: float = 15  # as upsmon's DEADTIME: no word of the UPS for so long, on battery, is critical
    settle_seconds: float = 30  # the mains must hold so long before anybody is woken
    minimum_charge_ratio: float = 0.2  # enough to go down in order once more
    charge_seconds: float = 3600  # a battery that does not charge holds the clinic up no longer than this
    host_seconds: float = 300  # for one host to boot
    check_seconds: float = 120  # for the services to answer when their hosts are back
    test_seconds: float = 900  # for a battery test
    unplug_seconds: float = 600  # for the operator to pull the plug
    wake_again_seconds: float = 15
    turn_seconds: float = 1  # one look, one decision
