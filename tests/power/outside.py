"""A simulated clinic in which some hosts have no agent: they are only seen from outside."""

from dataclasses import replace

from agent.power.plan import Limits, Ups
from agent.power.state import Action, LookAround
from tests.power.simulated import SimulatedClinic, plan


def plan_without_agents(*hosts: str, port: int = 0) -> Ups:
    """Return the simulated clinic's plan, ``hosts`` of it without an agent."""
    ups = plan()
    stages = tuple(
        replace(
            stage,
            hosts=tuple(replace(one, agent=False, port=port) if one.name in hosts else one for one in stage.hosts),
        )
        for stage in ups.stages
    )
    return replace(ups, stages=stages)


class OutsideClinic(SimulatedClinic):
    """``elsewhere``: hosts whose plug is in another socket.  ``by_itself``: hosts that start when the mains is there.

    ``downs`` holds how often each host went off.
    """

    def __init__(self, ups: Ups, *, runtime_seconds: float = 1000, limits: Limits | None = None) -> None:
        super().__init__(ups, runtime_seconds=runtime_seconds, limits=limits)
        self.elsewhere: set[str] = set()
        self.by_itself: set[str] = set()
        self.downs = dict.fromkeys(self.hosts, 0)

    def tick(self, *, crash: bool = False) -> None:
        for name in self.by_itself if self.mains else ():
            host = self.hosts[name]
            if not host.on and host.coming_at is None:
                host.coming_at = self.seconds + host.up_seconds
        on = {name for name, host in self.hosts.items() if host.on}
        super().tick(crash=crash)
        for name in on:
            self.downs[name] += not self.hosts[name].on

    def _all_dark(self) -> None:
        stays = [host for name, host in self.hosts.items() if name in self.elsewhere and host.on]
        super()._all_dark()
        for host in stays:
            host.on, host.cut = True, False

    def _do(self, action: Action) -> None:
        if isinstance(action, LookAround):
            assert all(host.agent for host in action.hosts), "nobody asks a host without an agent for its report"
        super()._do(action)
