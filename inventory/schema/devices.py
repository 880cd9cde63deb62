"""Devices that are not Debian hosts: power supplies, access points, gateways, whatever answers SNMP or a ping."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from inventory.schema.base import (
    FED,
    HOST,
    LABEL_ZH,
    SLUG,
    Address,
    HostName,
    MacAddress,
    Model,
    Port,
    Slug,
    Text,
    VaultName,
    pattern,
    refusal,
)

ADDRESS = "an IPv4 address inside the network of its zone"


class SnmpAccess(Model):
    """How a device is asked over SNMP: v3 with authentication (SHA-256) and privacy (AES-128), or the open v2c."""

    version: Literal["v2c", "v3"] = Field(description="v3, or v2c for a device that has nothing better")
    port: Port = Field(default=161, description="a UDP port")
    community: VaultName | None = Field(default=None, description="v2c: the vault variable that holds the community")
    user: Annotated[str, pattern(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", "is not a user name")] | None = Field(
        default=None, description="v3: the user name on the device"
    )
    auth_key: VaultName | None = Field(default=None, description="v3: the vault variable with the SHA-256 password")
    privacy_key: VaultName | None = Field(default=None, description="v3: the vault variable with the AES-128 password")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        v3 = (self.user, self.auth_key, self.privacy_key)
        if self.version == "v2c" and (not self.community or any(v3)):
            raise refusal("SNMP v2c needs a community and nothing else", "{version: v2c, community: vault_NAME}")
        if self.version == "v3" and (self.community or not all(v3)):
            allowed = "{version: v3, user: NAME, auth_key: vault_NAME, privacy_key: vault_NAME}"
            raise refusal("SNMP v3 needs user, auth_key and privacy_key, no community", allowed)
        return self


SNMP = "a mapping: {version: v3, user, auth_key, privacy_key} or {version: v2c, community}"


class Ups(Model):
    """A UPS, read over SNMP or over the USB port of a host; that host runs NUT's server either way.

    The driver ``dummy`` is a UPS that a drill moves by hand; only a facility with ``demo_data`` may have one.
    """

    name: Slug = Field(description=SLUG)
    name_zh: Text = Field(description=LABEL_ZH)
    driver: Literal["snmp", "usb", "dummy"] = Field(description="snmp or usb; dummy only with demo_data")
    connected_to: HostName = Field(description=f"{HOST}: the one that runs NUT's server for this UPS")
    address: Address | None = Field(default=None, description=ADDRESS)
    zone: Slug | None = Field(default=None, description="the name of a zone")
    snmp: SnmpAccess | None = Field(default=None, description=SNMP)
    powers: tuple[HostName, ...] = Field(min_length=1, description=FED)

    @model_validator(mode="after")
    def _readable(self) -> Self:
        over_snmp = (self.address, self.zone, self.snmp)
        if self.driver == "snmp" and not all(over_snmp):
            raise refusal("a UPS read over SNMP lacks address, zone or snmp", "address, zone and snmp")
        if self.driver != "snmp" and any(over_snmp):
            raise refusal(f"a UPS with driver {self.driver} has no address, zone and snmp", "driver: snmp")
        return self


class Device(Model):
    """A device without an agent: asked over SNMP, or only whether it answers (``tcp``: on that port, else a ping)."""

    name: Slug = Field(description=SLUG)
    name_zh: Text = Field(description="the Chinese name, usually with the place")
    kind: Literal["switch", "printer", "sensor", "camera", "medical", "other"] = Field(
        description="switch, printer, sensor, camera, medical or other"
    )
    address: Address = Field(description=ADDRESS)
    zone: Slug = Field(description="the name of a zone")
    snmp: SnmpAccess | None = Field(default=None, description=SNMP)
    tcp: Port | None = Field(default=None, description="a TCP port that must answer, 1 to 65535")
    mac: MacAddress | None = Field(default=None, description="the network card's address, to wake the device by")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.snmp and self.tcp:
            raise refusal("a device asked over SNMP needs no tcp", "snmp or tcp")
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
    snmp: SnmpAccess | None = Field(default=None, description=SNMP)


class Gateway(ManagedOverSsh):
    """A router between zones; it holds the gateway address of each of them."""

    name: Slug = Field(description=SLUG)
    name_zh: Text = Field(description=LABEL_ZH)
    platform: Literal["debian", "openwrt", "huawei_vrp", "h3c_comware", "ruijie_rgos"] = Field(
        description="debian, openwrt, huawei_vrp, h3c_comware or ruijie_rgos"
    )
    address: Address = Field(description="the gateway address of the zone it is managed from")
    zones: tuple[Slug, ...] = Field(min_length=2, description="a list of the zones it routes between, two or more")
    snmp: SnmpAccess | None = Field(default=None, description=SNMP)
