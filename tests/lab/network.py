"""The lab's networks: a bridge per zone, and this machine as the router between them.

Every lab owns 198.18.N.0/24 (RFC 2544), its bridges ``xlN-…`` and one nftables table.  Only the appliance may reach
the outside, and the hosts only the appliance; what else crosses zones is dropped unless a backup needs it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.lab.command import run
from tests.lab.errors import LabError

IP_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
FORWARDING_WAS_OFF = Path("/run/xinglin-lab/forwarding-was-off")


@dataclass(frozen=True)
class Zone:
    """A zone of the facility as the lab sees it: one bridge with the gateway's address on it."""

    name: str
    bridge: str
    cidr: str
    gateway: str

    @property
    def prefix_length(self) -> int:
        return int(self.cidr.partition("/")[2])


@dataclass(frozen=True)
class Flow:
    """A declared way across zones: from one address to another's TCP port."""

    source: str
    destination: str
    tcp_port: int


def bridge_name(slot: int, index: int) -> str:
    """Bridges sort by lab; interface names have 15 characters at the most."""
    return f"xl{slot}-{index}"


def table_name(slot: int) -> str:
    return f"xinglin_lab_{slot}"


def ruleset(slot: int, zones: Iterable[Zone], appliance: str, flows: Iterable[Flow]) -> str:
    """The router's rules (nftables text): atomic to load, repeatable."""
    table, inside = table_name(slot), f'"xl{slot}-*"'
    allowed = "\n".join(
        f"    ip saddr {flow.source} ip daddr {flow.destination} tcp dport {flow.tcp_port} accept" for flow in flows
    )
    zones = tuple(zones)
    cidrs = ", ".join(zone.cidr for zone in zones)
    # Where br_netfilter is on, frames within a bridge pass here, too.
    within = "\n".join(f"    ip saddr {zone.cidr} ip daddr {zone.cidr} accept" for zone in zones)
    return f"""\
table inet {table}
delete table inet {table}
table inet {table} {{
  chain from_lab {{
    ct state established,related accept
    ip saddr {appliance} accept
    ip daddr {appliance} accept
{within}
{allowed}
    reject with icmpx admin-prohibited
  }}
  chain to_lab {{
    ct state established,related accept
    iifname != {inside} drop
  }}
  chain forward {{
    type filter hook forward priority filter - 10; policy accept;
    iifname {inside} jump from_lab
    oifname {inside} jump to_lab
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {appliance} ip daddr != {{ {cidrs} }} masquerade
  }}
}}
"""


def existing_links() -> set[str]:
    return {link["ifname"] for link in json.loads(run(["ip", "-json", "link", "show"]))}


def up(slot: int, zones: Iterable[Zone], appliance: str, flows: Iterable[Flow]) -> None:
    """Make the bridges and load the router's rules; what is there already stays."""
    zones, links = tuple(zones), existing_links()
    for zone in zones:
        if zone.bridge not in links:
            run(["ip", "link", "add", zone.bridge, "type", "bridge"])
            run(["ip", "address", "add", f"{zone.gateway}/{zone.prefix_length}", "dev", zone.bridge])
        run(["ip", "link", "set", zone.bridge, "up"])
    run(["nft", "-f", "-"], stdin=ruleset(slot, zones, appliance, flows))
    if IP_FORWARD.read_text().strip() != "1":
        try:
            FORWARDING_WAS_OFF.parent.mkdir(parents=True, exist_ok=True)
            FORWARDING_WAS_OFF.touch()
            IP_FORWARD.write_text("1\n")
        except OSError as error:
            raise LabError(
                str(IP_FORWARD), f"cannot be set ({error})", "allow IPv4 forwarding on this machine"
            ) from error


def down(slot: int) -> None:
    """Remove the lab's bridges and table; nothing of another lab's."""
    for link in sorted(existing_links()):
        if link.startswith(f"xl{slot}-"):
            run(["ip", "link", "delete", link])
    table = table_name(slot)
    if f"table inet {table}\n" in run(["nft", "list", "tables"]):
        run(["nft", "delete", "table", "inet", table])


def restore_forwarding() -> None:
    """Turn IPv4 forwarding off again when a lab had turned it on."""
    if FORWARDING_WAS_OFF.exists():
        IP_FORWARD.write_text("0\n")
        FORWARDING_WAS_OFF.unlink()
        FORWARDING_WAS_OFF.parent.rmdir()


def resolver() -> str:
    """This machine's resolv.conf with servers that a host on a bridge can reach, too."""
    for path in (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")):
        text = path.read_text() if path.exists() else ""
        servers = [line for line in text.splitlines() if line.startswith("nameserver")]
        if servers and not any(line.split()[1].startswith(("127.", "::1")) for line in servers):
            return text
    raise LabError("/etc/resolv.conf", "names only resolvers on loopback", "name one that the network can reach")
