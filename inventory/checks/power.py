"""The way down is complete and possible: every fed host has its stage, the UPS's own host the last, in time."""

from collections.abc import Iterator

from inventory.draft import Draft
from inventory.mistakes import Mistake
from inventory.view import View


def check_power(draft: Draft) -> Iterator[Mistake]:
    """Yield fed hosts without a stage or with two, stages that come too late, and simulated UPSes in a real clinic."""
    stages = tuple(draft.section("shutdown_stages"))
    yield from _check_times(stages)
    stage_of: dict[str, int] = {}
    for number, stage in enumerate(stages):
        for host in stage.get("hosts").items():
            if host.text in stage_of:
                yield host.mistake(f"host {host.text} is in two stages", "each host in one stage")
            elif host.text:
                stage_of[host.text] = number
    owners: dict[str, str] = {}
    for ups in draft.section("ups"):
        yield from _check_ups(ups, stage_of, len(stages), owners)
        if ups.get("driver").text == "dummy" and draft.variables.get("facility").get("demo_data").value is not True:
            yield ups.get("driver").mistake("a simulated UPS in a real clinic", "snmp or usb; dummy with demo_data")
    yield from (
        draft.variables.document.mistake(
            ("shutdown_stages",), f"host {host} is in a stage, but no UPS powers it", "only hosts under a UPS's powers"
        )
        for host in sorted(set(stage_of) - set(owners))
        if host in draft.host_names() | draft.names("devices")
    )


def _check_ups(ups: View, stage_of: dict[str, int], stages: int, owners: dict[str, str]) -> Iterator[Mistake]:
    own = ups.get("connected_to")
    for host in ups.get("powers").items():
        if not host.text:
            continue
        if host.text in owners:
            yield host.mistake(f"host {host.text} is powered by {owners[host.text]} too", "one UPS for each host")
        owners.setdefault(host.text, ups.get("name").text or "another UPS")
        if host.text not in stage_of:
            yield host.mistake(f"host {host.text} is in none of the shutdown_stages", "a stage for each powered host")
        elif host.text == own.text and stage_of[host.text] != stages - 1:
            allowed = "the UPS's own host in the last stage: it sends the others off"
            yield host.mistake(f"host {host.text} runs the UPS {ups.get('name').text} and goes too early", allowed)


def _check_times(stages: tuple[View, ...]) -> Iterator[Mistake]:
    later = 0
    below_later = 0
    for stage in reversed(stages):
        below, takes = stage.get("below_seconds"), stage.get("takes_seconds")
        if not isinstance(below.value, int) or not isinstance(takes.value, int):
            return
        later += takes.value
        if below.value <= later:
            allowed = f"more than {later}: the takes_seconds of this stage and all after it"
            yield below.mistake(f"{below.value} s leave no time for the shutdown", allowed)
        elif below.value <= below_later:
            yield below.mistake("the next stage would begin before this one", f"more than {below_later}")
        below_later = max(below_later, below.value)
