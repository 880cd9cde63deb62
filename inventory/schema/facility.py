"""The variables of group_vars/all/facility.yml: everything about the facility that is not a host."""

from typing import Annotated, Literal

from pydantic import Field

from inventory.schema.backup import BackupPolicy
from inventory.schema.base import (
    HOSTS,
    LABEL_ZH,
    SLUG,
    Flag,
    HostName,
    HttpUrl,
    Model,
    Slug,
    Text,
    TimeZone,
    UserName,
    pattern,
)
from inventory.schema.copies import BackupCopy
from inventory.schema.devices import AccessPoint, Device, Gateway, Ups
from inventory.schema.network import Flow, Service, Zone
from inventory.schema.people import Contact, MailServer, NotificationRoute
from inventory.schema.power import ReturnCheck, ShutdownStage


class Identity(Model):
    """Who the facility is."""

    id: Slug = Field(description=SLUG)
    name_zh: Text = Field(description="the facility's Chinese name")
    name_en: Text = Field(description="the facility's English name")
    timezone: TimeZone = Field(description="a name of the IANA time zone list, as Asia/Shanghai")
    mlps_level: Literal[2, 3] = Field(description="the graded-protection level (等保): 2 or 3")
    locale: Literal["zh_CN", "en"] = Field(description="the console's first language: zh_CN or en")
    demo_data: Flag = Field(description="true fills the HIS with generated patients; false for a real clinic")


class Operator(Model):
    """The account that runs the playbooks on every host."""

    user: UserName = Field(description="a user name: lower-case letters, digits, - or _; not root")
    key: Annotated[str, pattern(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]*", "is not a plain file name")] = Field(
        description="the file name of the private key, in the facility's directory"
    )


class AptMirrors(Model):
    """Where the hosts' Debian packages come from, by way of the appliance's cache."""

    debian: HttpUrl | None = Field(description="a mirror's URL, or null for the hosts' own sources")


class MlpsSystem(Model):
    """One graded system (定级对象) and the hosts it consists of."""

    name: Text = Field(description="the system's name, as HIS")
    name_zh: Text | None = Field(default=None, description=LABEL_ZH)
    level: Literal[2, 3] = Field(description="the graded-protection level: 2 or 3")
    hosts: tuple[HostName, ...] = Field(min_length=1, description=HOSTS)


class RecordRetention(Model):
    """How long the console keeps what it recorded, in days."""

    audit_log_days: Annotated[int, Field(strict=True, ge=180)] = Field(
        description="a whole number of days, 180 or more (Cybersecurity Law, article 21: six months)"
    )
    metrics_days: Annotated[int, Field(strict=True, ge=7)] = Field(description="a whole number of days, 7 or more")
    runs_days: Annotated[int, Field(strict=True, ge=30)] = Field(description="a whole number of days, 30 or more")


class FacilityVariables(Model):
    """The top-level keys of group_vars/all/facility.yml; all of them, so that no variable is undefined in a role."""

    facility: Identity = Field(description="a mapping: id, name_zh, name_en, timezone, mlps_level, locale, demo_data")
    zones: tuple[Zone, ...] = Field(min_length=1, description="a list of zones")
    services: dict[Slug, Service] = Field(description="a mapping of name to {tcp: […], udp: […]}")
    flows: tuple[Flow, ...] = Field(description="a list of allowed flows; [] allows none")
    mlps_systems: tuple[MlpsSystem, ...] = Field(description="a list of graded systems")
    backup_policies: tuple[BackupPolicy, ...] = Field(description="a list of backup policies")
    backup_copies: tuple[BackupCopy, ...] = Field(description="a list of further copies; [] for none")
    contacts: tuple[Contact, ...] = Field(description="a list of contacts")
    notification_routes: tuple[NotificationRoute, ...] = Field(description="a list of notification routes")
    mail_server: MailServer | None = Field(description="a mapping: host, port, security, sender; null without e-mail")
    ups: tuple[Ups, ...] = Field(description="a list of UPSes")
    shutdown_stages: tuple[ShutdownStage, ...] = Field(description="a list of stages in order; [] without a UPS")
    return_checks: tuple[ReturnCheck, ...] = Field(description="a list of services that must answer; [] for none")
    devices: tuple[Device, ...] = Field(description="a list of devices without an agent")
    access_points: tuple[AccessPoint, ...] = Field(description="a list of access points")
    gateways: tuple[Gateway, ...] = Field(description="a list of gateways")
    retention: RecordRetention = Field(description="a mapping of days")
    operator: Operator = Field(description="a mapping: {user: NAME, key: FILE}")
    apt_mirrors: AptMirrors = Field(description="a mapping: {debian: URL or null}")
