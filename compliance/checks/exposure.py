"""Unneeded services, default shares and risky ports are off (7.1.4.4.b, 8.1.4.4.b)."""

from compliance.checks.model import Check, Step
from compliance.checks.parse import listeners, listing
from compliance.facts import Facts
from compliance.results import Outcome, failed, partly, passed, text

RISKY_PORTS = frozenset({21, 23, 69, 111, 135, 137, 138, 139, 445, 512, 513, 514, 2049, 3389, 6000})
UNNEEDED_SERVICES = frozenset(
    {
        *("avahi-daemon", "cups", "cups-browsed", "rpcbind", "nfs-server", "nfs-kernel-server", "smbd", "nmbd"),
        *("postfix", "vsftpd", "proftpd", "pure-ftpd", "xinetd", "inetd", "openbsd-inetd", "inetutils-inetd"),
        *("telnet", "tftpd-hpa", "atftpd", "rsh", "nis", "ypbind", "snmpd", "vino-server", "xrdp"),
    }
)


def risky_ports(facts: Facts) -> Outcome:
    """L39: nothing that other machines reach listens on a high-risk port."""
    exposed = [socket for socket in listeners(facts.output("listening_sockets")) if socket.exposed]
    risky = {(s.protocol, s.port): s.program for s in exposed if s.port in RISKY_PORTS}
    if risky:
        names = listing(f"{protocol}/{port} {program}".strip() for (protocol, port), program in sorted(risky.items()))
        return failed(
            text("High-risk ports are open to other machines: {names}", names=names),
            text("Stop these services, or bind them to 127.0.0.1; if one is needed, let only named hosts reach it."),
            high_risk="6.4.3.1",
        )
    return passed(
        text(
            "{count} sockets are open to other machines, none on a high-risk port: {names}",
            count=len(exposed),
            names=listing(dict.fromkeys(f"{s.protocol}/{s.port} {s.program}".strip() for s in exposed)) or "-",
        )
    )


def unneeded_services(facts: Facts) -> Outcome:
    """L40: no service of the usual unneeded ones starts at boot."""
    enabled = [line.split()[0] for line in facts.output("enabled_services").splitlines() if line.strip()]
    found = [unit for unit in enabled if unit.rpartition(".")[0] in UNNEEDED_SERVICES]
    if found:
        return failed(
            text("Services that a server rarely needs start at boot: {names}", names=listing(found)),
            text("Switch each off (systemctl disable --now {name}), or write down why it is needed.", name=found[0]),
        )
    return passed(
        text("{count} units start at boot; none of the usual unneeded services is among them.", count=len(enabled))
    )


def shares(facts: Facts) -> Outcome:
    """L41: no share for guests, no export to everybody, no export that leaves root powerful."""
    lines = facts.lines("file_sharing")
    exports = [line for path, line in lines if path.startswith("/etc/exports")]
    samba = [line.replace(" ", "").lower() for path, line in lines if path.endswith("/smb.conf")]
    faults = [line for line in exports if "no_root_squash" in line or _to_everybody(line)]
    faults += [line for line in samba if line in ("guestok=yes", "public=yes", "guestonly=yes")]
    if not faults:
        count = len(exports) + sum(line.startswith("[") and line != "[global]" for line in samba)
        return passed(text("No share is open to guests or to everybody ({count} shares are set up).", count=count))
    advice = text("Name the hosts and users of each share in /etc/exports and /etc/samba/smb.conf; no guests.")
    statement = text("Shares are open too wide: {names}", names=listing(faults))
    if facts.installed("nfs-kernel-server", "samba"):
        return failed(statement, advice, high_risk="6.4.3.1")
    return partly(statement, advice)


def _to_everybody(line: str) -> bool:
    clients = line.split()[1:]
    return not clients or any(client.split("(")[0] in ("*", "0.0.0.0/0", "") for client in clients)


CHECK = Check(
    id="exposure",
    requirements={2: "7.1.4.4.b", 3: "8.1.4.4.b"},
    meaning=text(
        "Each needless service is one more door; ransomware spreads in hospital networks over exactly these ports."
    ),
    steps=(
        Step("risky_ports", ("L39",), ("listening_sockets",), risky_ports),
        Step("unneeded_services", ("L40",), ("enabled_services",), unneeded_services),
        Step("shares", ("L41",), ("file_sharing", "packages"), shares),
    ),
)
