"""A host's backup policies as its own configuration file has them: paths of secrets instead of their names."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

SECRETS = "/etc/xinglin/secrets"
DEVICE_KEY = f"{SECRETS}/devices_ed25519"
KNOWN_DEVICES = "/etc/xinglin/devices.known_hosts"
Policy = Mapping[str, Any]


def own_backup_policies(
    policies: Sequence[Policy], host: str, devices: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Return the policies of ``host``; ``devices`` are the facility's gateways and access points."""
    by_name = {device["name"]: device for device in devices}
    return [
        {
            **policy,
            "sources": [_source(policy["name"], n, item, by_name) for n, item in enumerate(policy["sources"])],
        }
        for policy in policies
        if host in policy["hosts"]
    ]


def smb_credentials(policies: Sequence[Policy], host: str) -> list[dict[str, str]]:
    """Return for each share that ``host`` saves: the credentials file, user, domain, the vault variable's name."""
    return [
        {
            "path": _credentials(policy["name"], n),
            "user": item["smb"]["user"],
            "domain": item["smb"].get("domain") or "",
            "secret": item["smb"]["secret"],
        }
        for policy, n, item in _sources(policies, host)
        if item.get("smb")
    ]


def saved_devices(
    policies: Sequence[Policy], host: str, devices: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the devices whose configurations ``host`` saves."""
    names = {name for _, _, item in _sources(policies, host) for name in item.get("devices") or ()}
    return [device for device in devices if device["name"] in names]


def _sources(policies: Sequence[Policy], host: str) -> Iterator[tuple[Policy, int, Mapping[str, Any]]]:
    for policy in policies:
        if host in policy["hosts"]:
            yield from ((policy, n, item) for n, item in enumerate(policy["sources"]))


def _credentials(policy: str, number: int) -> str:
    return f"{SECRETS}/smb-{policy}-{number}.credentials"


def _source(policy: str, number: int, source: Mapping[str, Any], devices: Mapping[str, Any]) -> dict[str, Any]:
    if source.get("smb"):
        return {"smb": {"share": source["smb"]["share"], "credentials_file": _credentials(policy, number)}}
    if source.get("devices"):
        return {"devices": [_device(devices[name]) for name in source["devices"]]}
    return dict(source)


def _device(device: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": device["name"],
        "platform": device["platform"],
        "address": device["address"],
        "user": device.get("login", "root"),
        "key_file": DEVICE_KEY,
        "known_hosts_file": KNOWN_DEVICES,
    }


class FilterModule:
    """What Ansible looks for in a filter plug-in."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by the name that templates use."""
        return {
            "own_backup_policies": own_backup_policies,
            "smb_credentials": smb_credentials,
            "saved_devices": saved_devices,
        }
