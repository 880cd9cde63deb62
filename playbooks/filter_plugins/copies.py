"""The facility's further copies as the appliance's files have them: keeper.json, mount units, known hosts."""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any

SECRETS = "/etc/xinglin/secrets"
KEY = f"{SECRETS}/copies_ed25519"
KNOWN_HOSTS = "/etc/xinglin/copies.known_hosts"
PLACES = "/var/lib/xinglin/copies"
UNITS = "/etc/systemd/system"
SSH = 22
Copy = Mapping[str, Any]


def keeper_copies(copies: Sequence[Copy]) -> list[dict[str, Any]]:
    """Return what keeper.json says of the copies: paths of secrets instead of their names."""
    return [{"name": copy["name"], "retention": copy["retention"], **_place(copy)} for copy in copies]


def _place(copy: Copy) -> dict[str, Any]:
    if copy.get("disk"):
        return {"disks": {label: f"{PLACES}/{label}" for label in copy["disk"]["labels"]}}
    if copy.get("sftp"):
        at = {key: copy["sftp"][key] for key in ("host", "user", "path")}
        return {"sftp": {**at, "port": _port(copy), "key_file": KEY, "known_hosts_file": KNOWN_HOSTS}}
    at = {key: copy["s3"][key] for key in ("url", "bucket", "key_id")}
    return {"s3": {**at, "secret_file": _secret(copy)}}


def _port(copy: Copy) -> int:
    return int(copy["sftp"].get("port") or SSH)


def _secret(copy: Copy) -> str:
    return f"{SECRETS}/copies.{copy['name']}.secret"


def copy_disks(copies: Sequence[Copy]) -> list[dict[str, str]]:
    """Return for each disk its label, where it is mounted, and its units' names and files, as systemd-escape has it."""
    labels = [label for copy in copies if copy.get("disk") for label in copy["disk"]["labels"]]
    return [_disk(label, label.replace("-", "\\x2d")) for label in labels]


def _disk(label: str, escaped: str) -> dict[str, str]:
    unit = f"var-lib-xinglin-copies-{escaped}"
    return {
        "label": label,
        "place": f"{PLACES}/{label}",
        "mount": f"{unit}.mount",
        "automount": f"{unit}.automount",
        "mount_file": f"{UNITS}/{unit}.mount",
        "automount_file": f"{UNITS}/{unit}.automount",
        "device_file": f"{UNITS}/dev-disk-by\\x2dlabel-{escaped}.device.d/xinglin.conf",
    }


def copy_known_hosts(copies: Sequence[Copy]) -> str:
    """Return the partners' host keys, one a line, as OpenSSH reads them."""
    found = [(copy["sftp"]["host"], _port(copy), copy["sftp"]["host_key"]) for copy in copies if copy.get("sftp")]
    return "".join(f"{host if port == SSH else f'[{host}]:{port}'} {key}\n" for host, port, key in found)


def copy_secrets(copies: Sequence[Copy]) -> list[dict[str, str]]:
    """Return for each bucket the file of its secret and the vault variable's name."""
    return [{"path": _secret(copy), "secret": copy["s3"]["secret"]} for copy in copies if copy.get("s3")]


def copy_addresses(copies: Sequence[Copy]) -> list[str]:
    """Return the addresses that the copies go to; ``any`` when one has a name, which must be looked up."""
    if any(copy.get("s3") for copy in copies):
        return ["any"]
    hosts = [copy["sftp"]["host"] for copy in copies if copy.get("sftp")]
    return sorted(set(hosts)) if all(map(_is_address, hosts)) else ["any"]


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(text))
    except ValueError:
        return False


class FilterModule:
    """What Ansible looks for in a filter plug-in."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by the name that templates use."""
        return {
            "keeper_copies": keeper_copies,
            "copy_disks": copy_disks,
            "copy_known_hosts": copy_known_hosts,
            "copy_secrets": copy_secrets,
            "copy_addresses": copy_addresses,
        }
