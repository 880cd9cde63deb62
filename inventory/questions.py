"""Ask a person for the answers, one fact at a time, each checked as it is given."""

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Any, cast

import click
from pydantic import TypeAdapter, ValidationError

from inventory.answers import Answers, HostAnswer, IdentityAnswers, OperatorAnswers
from inventory.schema.base import Model
from inventory.schema.host import GROUPS
from inventory.schema.network import Zone

ZONE_LABELS = {"servers": "服务器区", "offsite": "异地备份区", "mgmt": "运维管理区", "staff": "业务终端区"}


def ask_answers() -> Answers:
    """Ask everything on the terminal; raises click.Abort when the person gives up."""
    identity = _ask_identity()
    user = _ask("Operator account on the hosts", OperatorAnswers, "user", default="xinglin-ops")
    zones: list[Zone] = []
    click.echo("\nThe appliance, which runs the console and the local backups:")
    hosts = [_ask_host("appliance1", [], zones)]
    click.echo(f"\nThe other hosts. Groups: {', '.join(group for group in GROUPS if group != 'appliance')}.")
    while click.confirm("One more host?", default=len(hosts) < 3):
        hosts.append(_ask_host(None, hosts, zones))
    return Answers(facility=identity, operator=OperatorAnswers(user=user), zones=tuple(zones), hosts=tuple(hosts))


def _ask_identity() -> IdentityAnswers:
    name_zh = _ask("Chinese name of the facility", IdentityAnswers, "name_zh")
    name_en = _ask("English name of the facility", IdentityAnswers, "name_en")
    words = re.findall(r"[a-z][a-z0-9]*", name_en.lower())
    return IdentityAnswers(
        name_zh=name_zh,
        name_en=name_en,
        id=_ask("Short name", IdentityAnswers, "id", default=words[0] if words else None),
        timezone=_ask("Time zone", IdentityAnswers, "timezone", default="Asia/Shanghai"),
        mlps_level=_ask("Graded-protection level (等保), 2 or 3", IdentityAnswers, "mlps_level", default=2),
    )


def _ask_host(default: str | None, hosts: list[HostAnswer], zones: list[Zone]) -> HostAnswer:
    """Ask for a host; the one with a default name is the appliance.  A zone that is new is added to ``zones``."""
    taken = {host.name for host in hosts} | {host.address for host in hosts} | {zone.gateway for zone in zones}

    def free(value: object) -> str | None:
        return f"{value} is taken" if value in taken else None

    name = _ask("Name", HostAnswer, "name", default=default, refuse=free)
    address = _ask("IPv4 address", HostAnswer, "address", refuse=free)
    debian = _ask("Debian release, 12 or 13", HostAnswer, "debian", default=13)
    groups = ("appliance",) if default else _ask("Groups, with commas between them", HostAnswer, "groups")
    zone = next((zone for zone in zones if _inside(address, zone.cidr)), None)
    if zone is None:
        zone = _ask_zone(address, "offsite" if "offsite" in groups else "servers", zones)
        zones.append(zone)
    return HostAnswer.model_validate(
        {"name": name, "address": address, "debian": debian, "groups": groups, "zone": zone.name}
    )


def _ask_zone(address: str, default: str, zones: list[Zone]) -> Zone:
    names = {zone.name for zone in zones}

    def new(name: object) -> str | None:
        return f"zone {name} is there already" if name in names else None

    def fits(cidr: str) -> str | None:
        if not _inside(address, cidr):
            return f"{address} is not in {cidr}"
        network = ipaddress.IPv4Network(cidr)
        others = (zone.cidr for zone in zones if network.overlaps(ipaddress.IPv4Network(zone.cidr)))
        return next((f"{cidr} overlaps {other}" for other in others), None)

    click.echo(f"{address} is in no zone yet. Its zone:")
    name = _ask("Zone name", Zone, "name", default=None if default in names else default, refuse=new)
    label = _ask("Chinese name of the zone", Zone, "name_zh", default=ZONE_LABELS.get(name))
    around = ipaddress.IPv4Network(f"{address}/24", strict=False)
    cidr = _ask("Network", Zone, "cidr", default=str(around), refuse=fits)

    def usable(gateway: str) -> str | None:
        return None if _inside(gateway, cidr) and gateway != address else f"a free address in {cidr} is needed"

    first = str(ipaddress.IPv4Network(cidr).network_address + 1)
    gateway = _ask("Gateway", Zone, "gateway", default=first if first != address else None, refuse=usable)
    return Zone(name=name, name_zh=label, cidr=cidr, gateway=gateway)


def _inside(address: str, cidr: str) -> bool:
    return ipaddress.IPv4Address(address) in ipaddress.IPv4Network(cidr)


def _ask(
    question: str,
    model: type[Model],
    field: str,
    default: str | int | None = None,
    refuse: Callable[[Any], str | None] = lambda _: None,
) -> Any:  # noqa: ANN401 (the type is the field's)
    """Ask until the answer is one that ``field`` of ``model`` allows and ``refuse`` has nothing against."""

    info = model.model_fields[field]
    adapter: TypeAdapter[object] = TypeAdapter(cast("type[object]", Annotated[info.annotation, info]))

    def check(text: str | int) -> Any:  # noqa: ANN401
        try:
            value: object = adapter.validate_python(_converted(field, str(text)))
        except ValidationError as error:
            problem = error.errors()[0].get("ctx", {}).get("problem", "that is not allowed")
            raise click.BadParameter(f"{problem}; allowed: {info.description}") from None
        if reason := refuse(value):
            raise click.BadParameter(reason)
        return value

    return click.prompt(question, default=default, value_proc=check)


def _converted(field: str, text: str) -> object:
    """Return the text of an answer as YAML would have it."""
    if field == "groups":
        return re.findall(r"[^\s,]+", text)
    if field in {"debian", "mlps_level"} and text.isdecimal():
        return int(text)
    return text
