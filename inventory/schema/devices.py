"""Devices that are not Debian hosts: power supplies, access points, gateways."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from inventory.schema.base import (
    HOST,
    HOSTS,
    LABEL_ZH,
    SLUG,
    Address,
    HostName,
    Model,
    Slug,
    Text,
    VaultName,
    pattern,
    refusal,
)

ADDRESS = "an IPv4 address inside the network of its zone"


class Ups(Model):
    """A UPS, read over SNMP or over the USB port of a host."""

    name: Slug = Field(description=SLUG)
    name_zh: Text = Field(description=LABEL_ZH)
    driver: Literal["snmp", "usb"] = Field(description="snmp or usb")
    address: Address | None = Field(default=None, description=ADDRESS)
    zone: Slug | None = Field(default=None, description="the name of a zone")
    secret: VaultName | None = Field(default=None, description="the vault variable that holds the SNMP community")
    connected_to: HostName | None = Field(default=None, description=HOST)
    powers: tuple[HostName, ...] = Field(min_length=1, description=HOSTS)

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.driver == "snmp" and not (self.address and self.zone and self.secret):
            raise refusal("a UPS read over SNMP lacks address, zone or secret", "address, zone and secret")
        if self.driver == "usb" and not self.connected_to:
            raise refusal("a UPS read over USB lacks connected_to", "connected_to: HOST")
        return self


class ManagedOverSsh(Model):
    """A device whose configuration is read over SSH."""

    login: Annotated[str, pattern(r"[A-Za-z_][A-Za-z0-9_.-]*", "is not a user name")] = Field(
        default="root", description="the user that reads the configuration, with the key of the host that saves it"
    )
    host_key: Annotated[str, pattern(r"(ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/=]+", "is not an SSH host key")] | None = (
        Field(default=None, description="the device's SSH host key, as ssh-ed25519 AAAA…")
    )


class AccessPoint(ManagedOverSsh):
    """A wireless access point."""

    name: Slug = Field(description=SLUG)
    name_zh: Text = Field(description="the Chinese name, usually the place, as 门诊大厅")
    platform: Literal["openwrt"] = Field(description="openwrt")
    address: Address = Field(description=ADDRESS)
    zone: Slug = Field(description="the name of a zone")


class Gateway(ManagedOverSsh):
    """A router between zones; it holds the gateway address of each of them."""

    name: Slug = Field(description=SLUG)
    name_zh: Text = Field(description=LABEL_ZH)
    platform: Literal["debian", "openwrt", "huawei_vrp", "h3c_comware", "ruijie_rgos"] = Field(
        description="debian, openwrt, huawei_vrp, h3c_comware or ruijie_rgos"
    )
    address: Address = Field(description="the gateway address of the zone it is managed from")
    zones: tuple[Slug, ...] = Field(min_length=2, description="a list of the zones it routes between, two or more")
