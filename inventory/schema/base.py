"""What every noun shares: the strict base model and the plain value types.

A field's ``description`` says what is allowed there; it is shown in mistakes and in editors.
"""

import ipaddress
import re
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints
from pydantic_core import PydanticCustomError

from inventory.mistakes import nearest


class Model(BaseModel):
    """A frozen noun that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def refusal(problem: str, allowed: str) -> PydanticCustomError:
    """Return the error of a validator that knows better than the field's description what is allowed."""
    return PydanticCustomError("refused", "{problem}", {"problem": problem, "allowed": allowed})


def pattern(expression: str, problem: str) -> AfterValidator:
    """Return a validator of text that must match ``expression`` as a whole."""
    compiled = re.compile(expression)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise PydanticCustomError("form", "{problem}", {"problem": f"{value!r} {problem}"})
        return value

    return AfterValidator(check)


def _address(value: str) -> str:
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError:
        raise PydanticCustomError("form", "{problem}", {"problem": f"{value!r} is not an IPv4 address"}) from None


def _network(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        raise PydanticCustomError("form", "{problem}", {"problem": f"{value!r} is not an IPv4 network"}) from None
    if "/" not in value or str(network) != value:
        raise refusal(f"{value!r} is not the first address of its network with its length", str(network))
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zones = available_timezones()
        if not zones:
            raise refusal("this machine has no time zone data", "install it: apt-get install tzdata") from None
        hint = nearest(value, zones).partition("?")[0]
        allowed = f"{hint}?" if hint.startswith("did") else "a name of the IANA time zone list, as Asia/Shanghai"
        raise refusal(f"{value!r} is not a time zone", allowed) from None
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Slug = Annotated[str, pattern(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*", "is not a short name")]
HostName = Annotated[str, pattern(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", "is not a host name")]
UserName = Annotated[str, pattern(r"(?!root$)[a-z_][a-z0-9_-]{0,30}", "is not a name for the operator")]
Address = Annotated[str, AfterValidator(_address)]
MacAddress = Annotated[str, pattern(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", "is not a MAC address in lower case")]
Network = Annotated[str, AfterValidator(_network)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
VaultName = Annotated[str, pattern(r"vault_[a-z0-9_]+", "is not the name of a vault variable")]
AbsolutePath = Annotated[str, pattern(r"/(?!.*(^|/)\.\.?(/|$))[^\x00{}]*", "is not an absolute path")]
Email = Annotated[str, pattern(r"[^@\s]+@[^@\s]+", "is not an e-mail address")]
HttpUrl = Annotated[str, pattern(r"https?://[^\s/]+\S*", "is not a URL")]
Port = Annotated[StrictInt, Field(ge=1, le=65535)]
Count = Annotated[StrictInt, Field(ge=1)]
Flag = StrictBool

SLUG = "a short name: lower-case letters, digits, - or _, beginning with a letter"
HOST = "the name of a host in hosts.yml"
HOSTS = "a list of names of hosts in hosts.yml"
FED = "a list of names of hosts in hosts.yml, or of devices that shut down by NUT themselves"
LABEL_ZH = "the Chinese name that people see"
