"""The facility as a whole: what the loader returns and every other room reads."""

from pathlib import Path

from inventory.schema.backup import BackupPolicy
from inventory.schema.base import Model
from inventory.schema.copies import BackupCopy
from inventory.schema.devices import AccessPoint, Device, Gateway, Ups
from inventory.schema.facility import AptMirrors, MlpsSystem, Operator, RecordRetention
from inventory.schema.host import Host
from inventory.schema.network import Flow, Service, Zone
from inventory.schema.people import Contact, MailServer, NotificationRoute
from inventory.schema.power import ReturnCheck, ShutdownStage


class Facility(Model):
    """A validated facility.  Every reference in it resolves; ``services`` holds the built-in ones too."""

    directory: Path
    id: str
    name_zh: str
    name_en: str
    timezone: str
    mlps_level: int
    locale: str
    demo_data: bool
    hosts: tuple[Host, ...]
    zones: tuple[Zone, ...]
    services: dict[str, Service]
    flows: tuple[Flow, ...]
    mlps_systems: tuple[MlpsSystem, ...]
    backup_policies: tuple[BackupPolicy, ...]
    backup_copies: tuple[BackupCopy, ...]
    contacts: tuple[Contact, ...]
    notification_routes: tuple[NotificationRoute, ...]
    mail_server: MailServer | None
    ups: tuple[Ups, ...]
    shutdown_stages: tuple[ShutdownStage, ...]
    return_checks: tuple[ReturnCheck, ...]
    devices: tuple[Device, ...]
    access_points: tuple[AccessPoint, ...]
    gateways: tuple[Gateway, ...]
    retention: RecordRetention
    operator: Operator
    apt_mirrors: AptMirrors

    def host(self, name: str) -> Host:
        """Return the host ``name``; raises KeyError when there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)

    def group(self, name: str) -> tuple[Host, ...]:
        """Return the hosts of the group ``name`` (``all``: every host), none for an empty group."""
        return tuple(host for host in self.hosts if name == "all" or name in host.groups)

    @property
    def appliance(self) -> Host:
        """The one appliance."""
        return self.group("appliance")[0]

    def policies(self, host: str) -> tuple[BackupPolicy, ...]:
        """Return the backup policies of the host ``host``."""
        return tuple(policy for policy in self.backup_policies if host in policy.hosts)

    def endpoint(self, name: str) -> tuple[str, ...]:
        """Return the addresses or networks that a flow's ``from`` or ``to`` means: host, else group, else zone.

        A name that a valid facility doesn't use in a flow, as a group without hosts, means nobody: ().
        """
        for host in self.hosts:
            if host.name == name:
                return (host.address,)
        if members := self.group(name):
            return tuple(host.address for host in members)
        return tuple(zone.cidr for zone in self.zones if zone.name == name)

    @property
    def operator_key(self) -> Path:
        """The operator's private key; the public one beside it ends in .pub."""
        return self.directory / self.operator.key
