"""A lab: one facility's hosts, networks and disks on this machine, described by one small state file."""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lab import network, tree
from tests.lab.errors import LabError
from tests.lab.host import FIRST_USER, Host
from tests.lab.network import Flow, Zone

STATE = Path("/var/lib/xinglin-lab")
SLOTS = range(1, 100)
ALIVE = "alive"
"""The file that a lab's process holds locked, while it lives."""


@dataclass(frozen=True)
class Lab:
    """A named lab and its slot: the N of 198.18.N.0/24, of its bridges and of its nftables table."""

    name: str
    slot: int
    zones: tuple[Zone, ...]
    flows: tuple[Flow, ...]
    hosts: tuple[Host, ...]

    @property
    def directory(self) -> Path:
        return STATE / self.name

    @property
    def facility_directory(self) -> Path:
        """The facility as a person would have it: inventory, secrets, operator key."""
        return self.directory / "facility"

    def host(self, name: str) -> Host:
        """One host by name; raises ``LabError`` with the names there are."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(name, f"no such host in the lab (there are {', '.join(h.name for h in self.hosts)})", "name one")

    def boot(self) -> tuple[Host, ...]:
        """Make what is missing and boot what is off; returns the hosts that were booted."""
        appliance = next(host for host in self.hosts if host.has_outside)
        network.up(self.slot, self.zones, appliance.address, self.flows)
        passwords = self._first_passwords()
        off = tuple(host for host in self.hosts if not host.is_on)
        for host in off:
            if not host.directory.exists():
                host.create(passwords[host.name])
        with ThreadPoolExecutor() as pool:
            list(pool.map(Host.boot, off))
        return off

    def _first_passwords(self) -> dict[str, str]:
        """Each host's first credential, as a person who installed Debian on it would hand it over."""
        path = self.facility_directory / "first-contact.yml"
        if not path.exists():
            entries = {host.name: {"user": FIRST_USER, "password": secrets.token_urlsafe(18)} for host in self.hosts}
            _write_private(path, entries)
        return {name: entry["password"] for name, entry in json.loads(path.read_text()).items()}

    def replace_by_bare(self, name: str) -> Path:
        """Lose a host with its disk; boot a freshly installed one of the same name and address in its place.

        Returns the file of the new machine's first login; it is outside of the facility's directory, which may be lost.
        """
        host = self.host(name)
        host.destroy()
        password = secrets.token_urlsafe(18)
        host.create(password)
        host.boot()
        path = self.directory / f"first-contact-{name}.yml"
        path.unlink(missing_ok=True)
        _write_private(path, {name: {"user": FIRST_USER, "password": password}})
        return path

    def down(self) -> None:
        """End every host in order and remove the networks; the disks stay."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Host.poweroff, self.hosts))
        for host in self.hosts:
            host.unmount()
        network.down(self.slot)

    def purge(self) -> None:
        """Leave nothing of this lab on the machine."""
        for host in self.hosts:
            host.destroy()
        network.down(self.slot)
        shutil.rmtree(self.directory)


def _write_private(path: Path, entries: dict[str, dict[str, str]]) -> None:
    """Write first logins: root's only from the first byte on.  JSON is YAML, too."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        json.dump(entries, handle, indent=1)


def _load(record: Path) -> Lab:
    data = json.loads(record.read_text())
    name, slot = record.parent.name, data["slot"]
    zones = tuple(Zone(**zone) for zone in data["zones"])
    by_name = {zone.name: zone for zone in zones}
    hosts = tuple(
        Host(
            name=host["name"],
            slot=slot,
            address=host["address"],
            zone=by_name[host["zone"]],
            base_tree=Path(host["base_tree"]),
            directory=record.parent / "hosts" / host["name"],
            has_outside=host["has_outside"],
            mac=host["mac"],
        )
        for host in data["hosts"]
    )
    return Lab(name, slot, zones, tuple(Flow(**flow) for flow in data["flows"]), hosts)


def labs() -> tuple[Lab, ...]:
    """Every lab on this machine."""
    names = sorted(record.parent.name for record in STATE.glob("*/lab.json"))
    return tuple(lab for name in names if (lab := find(name)))


def find(name: str) -> Lab | None:
    """A lab by name, or None; another process may be removing it at this moment."""
    try:
        return _load(STATE / name / "lab.json")
    except FileNotFoundError:
        return None


def create(name: str) -> Lab:
    """Lay out a lab of the example facility: addresses, secrets, state file.  Nothing is booted yet."""
    from tests.lab import facility  # noqa: PLC0415 - `lab exec` shall not wait for Ansible's imports

    with tree.locked(STATE / "lock"):
        slot = next(slot for slot in SLOTS if slot not in {lab.slot for lab in labs()} | _slots_on_links())
        directory = STATE / name
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        plan = facility.lay_out(directory / "facility", slot)
        with ThreadPoolExecutor() as pool:
            trees = dict(zip(plan.releases, pool.map(tree.ensure, plan.releases), strict=True))
        record = {
            "slot": slot,
            "zones": [asdict(zone) for zone in plan.zones],
            "flows": [asdict(flow) for flow in plan.flows],
            "hosts": [
                {
                    "name": host.name,
                    "address": str(host.address),
                    "zone": host.zone,
                    "base_tree": str(trees[host.debian]),
                    "has_outside": "appliance" in host.groups,
                    "mac": host.mac,
                }
                for host in plan.hosts
            ],
        }
        # Written last, in one step: a directory without it is a lab that never came to be.
        scratch = directory / ".lab.json"
        scratch.write_text(json.dumps(record, indent=1))
        scratch.rename(directory / "lab.json")
    return _load(directory / "lab.json")


@contextmanager
def held(lab: Lab) -> Iterator[Lab]:
    """Mark a lab as one that dies with this process, and end it; ``sweep`` finds those whose process was killed."""
    draft = lab.directory / ".alive"
    with draft.open("w") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        draft.rename(lab.directory / ALIVE)  # never there unlocked: another process sweeps at any time
        try:
            yield lab
        finally:
            lab.purge()


def sweep(log: Callable[[str], None] = lambda _: None) -> None:
    """Remove what killed runs left: their hosts, mounts, bridges and files."""
    for lab in labs():
        marker = lab.directory / ALIVE
        try:
            alive = marker.open()
        except FileNotFoundError:
            continue
        with alive:
            try:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if marker.exists():  # else its own process has just removed it all
                log(f"lab {lab.name}: its run was killed; removing what it left")
                lab.purge()


def _slots_on_links() -> set[int]:
    heads = (link.partition("-")[0] for link in network.existing_links())
    return {int(head[2:]) for head in heads if head.startswith("xl") and head[2:].isdigit()}
