"""The answers `xinglin init` needs, asked or read from answers.yml: the few facts that the rest follows from."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field

from inventory.document import Document, Keys, read_document
from inventory.mistakes import FacilityError, Mistake
from inventory.schema.base import LABEL_ZH, SLUG, Address, HostName, Model, Slug, Text, TimeZone, UserName
from inventory.schema.host import GROUPS
from inventory.schema.network import Zone
from inventory.shape import check_shape
from inventory.view import View

Group = Literal["appliance", "his_database", "his_application", "pacs", "workstations", "gateways", "offsite"]


class IdentityAnswers(Model):
    """Who the facility is."""

    id: Slug = Field(description=SLUG)
    name_zh: Text = Field(description="the facility's Chinese name")
    name_en: Text = Field(description="the facility's English name")
    timezone: TimeZone = Field(default="Asia/Shanghai", description="a name of the IANA time zone list")
    mlps_level: Literal[2, 3] = Field(description="the graded-protection level (等保): 2 or 3")
    locale: Literal["zh_CN", "en"] = Field(default="zh_CN", description="the console's first language: zh_CN or en")


class OperatorAnswers(Model):
    """The account that runs the playbooks."""

    user: UserName = Field(default="xinglin-ops", description="a user name: lower-case letters, digits, - or _")


class HostAnswer(Model):
    """One host."""

    name: HostName = Field(description="lower-case letters, digits and -, beginning with a letter")
    name_zh: Text | None = Field(default=None, description=LABEL_ZH)
    address: Address = Field(description="the host's IPv4 address, inside the network of its zone")
    zone: Slug = Field(description="the name of one of the zones")
    debian: Literal[12, 13] = Field(description="the host's Debian release: 12 or 13")
    groups: tuple[Group, ...] = Field(min_length=1, description=f"a list of: {', '.join(GROUPS)}")


class Answers(Model):
    """Everything asked."""

    facility: IdentityAnswers = Field(description="a mapping: id, name_zh, name_en, timezone, mlps_level")
    operator: OperatorAnswers = Field(default=OperatorAnswers(), description="a mapping: {user: NAME}")
    zones: tuple[Zone, ...] = Field(min_length=1, description="a list of zones: name, name_zh, cidr, gateway")
    hosts: tuple[HostAnswer, ...] = Field(
        min_length=1, description="a list of hosts: name, address, zone, debian, groups"
    )


def read_answers(file: Path) -> tuple[Answers, Document]:
    """Return the answers in ``file`` and where they stand; raises FacilityError with every mistake of their form."""
    document = read_document(file)
    mistakes = list(document.mistakes)
    if document.data is not None:
        mistakes += check_shape(View.of(document), Answers)
    if mistakes:
        raise FacilityError(mistakes)
    return Answers.model_validate(document.data), document


def back_to_answers(error: FacilityError, document: Document) -> FacilityError:
    """Return the mistakes of the facility made from ``document`` at the answers that they come from."""
    return FacilityError(_at_answer(mistake, document) for mistake in error.mistakes)


def _at_answer(mistake: Mistake, document: Document) -> Mistake:
    path: Keys = tuple(
        int(index) if index else name for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", mistake.key)
    )
    if path[:2] == ("all", "hosts") and len(path) > 2:
        names = [item.get("name").text for item in View.of(document).get("hosts").items()]
        variable = ("address",) if path[3:4] == ("ansible_host",) else path[3:]
        path = ("hosts", names.index(str(path[2])), *variable) if path[2] in names else ()
    elif path[:1] == ("all",):
        path = ("hosts",)
    while path and path not in document.lines:
        path = path[:-1]
    return document.mistake(path, mistake.problem, mistake.allowed) if path else mistake
