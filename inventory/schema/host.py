"""A managed host: one Debian machine of hosts.yml, and the groups that give it its meaning."""

from typing import Literal

from pydantic import Field

from inventory.schema.base import Address, Flag, HostName, MacAddress, Model, Port, Slug, Text

# Group → what a host in it is.  Devices that run no Debian of ours (access points, UPS, routers) are in facility.yml.
GROUPS = {
    "appliance": "runs the console, the local backup repository and the package cache; exactly one",
    "his_database": "holds the HIS database",
    "his_application": "runs the HIS application",
    "pacs": "holds the image archive",
    "workstations": "a desk's computer",
    "gateways": "routes between zones",
    "offsite": "holds the append-only copies away from the site",
}
DATABASE_GROUPS = ("his_database", "pacs")


class Connection(Model):
    """Ansible's own connection variables, allowed on a host, on a group and on ``all``."""

    ansible_user: Text | None = Field(default=None, description="the login on the host, usually `{{ operator.user }}`")
    ansible_port: Port | None = Field(default=None, description="the SSH port, 1 to 65535")
    ansible_ssh_private_key_file: Text | None = Field(
        default=None, description="the path of the operator's private key"
    )
    ansible_python_interpreter: Text | None = Field(default=None, description="the host's Python, /usr/bin/python3")
    ansible_connection: Literal["ssh", "local"] | None = Field(default=None, description="ssh or local")
    ansible_become: Flag | None = Field(default=None, description="true or false")
    ansible_ssh_common_args: Text | None = Field(default=None, description="extra arguments of ssh, sftp and scp")
    ansible_ssh_extra_args: Text | None = Field(default=None, description="extra arguments of ssh")
    ansible_password: Text | None = Field(default=None, description="`{{ vault_… }}`, a variable of vault.yml")
    ansible_become_password: Text | None = Field(default=None, description="`{{ vault_… }}`, a variable of vault.yml")


class HostVariables(Connection):
    """The variables of one host under ``all.hosts`` in hosts.yml."""

    ansible_host: Address = Field(description="the host's IPv4 address, inside the network of its zone")
    zone: Slug = Field(description="the name of one of the zones in facility.yml")
    debian: Literal[12, 13] = Field(description="the host's Debian release: 12 or 13")
    name_zh: Text | None = Field(default=None, description="the Chinese name that people see")
    mac: MacAddress | None = Field(default=None, description="the network card's address, to wake the host by")


class Host(Model):
    """One host as the rest of Xinglin sees it."""

    name: HostName
    address: Address
    zone: Slug
    debian: Literal[12, 13]
    groups: tuple[str, ...]
    name_zh: str | None = None
    mac: str | None = None
    port: Port = 22
