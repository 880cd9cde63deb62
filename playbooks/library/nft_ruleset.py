"""Load the table ``inet xinglin`` with a way back: a change that is not confirmed in time undoes itself.

``state: tried`` compares the loaded table with the wanted ``content``; when they differ it keeps the loaded one in
/run, starts a systemd timer that brings it back after ``timeout_seconds``, loads the new one and returns a ``token``.
``state: confirmed`` needs that token: it stops the timer, makes sure that the timer has not fired and that the loaded
table is the wanted one, and only then writes ``content`` to /etc/nftables.conf, which is loaded at boot.

Each attempt has its own token, so a timer of an earlier run can neither be confirmed nor undo a later one (a later
attempt stops it first).  Loaded and wanted rules are compared as nft itself writes them: the wanted ones are loaded in
a network namespace of their own.  Check mode and diff are supported.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import tempfile

from ansible.module_utils.basic import AnsibleModule

TABLE = ("inet", "xinglin")
FILE = "/etc/nftables.conf"
RUN = "/run/xinglin-firewall"
UNIT = "xinglin-firewall-undo-"


def normal(listing: str) -> str:
    """Return nft's listing without counters' values, which change by themselves."""
    return re.sub(r"counter packets \d+ bytes \d+", "counter", listing).strip()


def undo_script(listing: str) -> str:
    """Return nft commands that bring the table back to ``listing`` ("" = no such table) in one transaction."""
    name = " ".join(TABLE)
    return f"table {name}\ndelete table {name}\n{listing}\n"


class Firewall:
    """nft and systemd as this module uses them."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module

    def run(self, *command: str) -> str:
        """Return the command's output; a failure ends the module."""
        code, out, err = self.module.run_command(list(command))
        if code != 0:
            self.module.fail_json(msg=f"{' '.join(command)} failed: {(err or out).strip()}")
        return str(out)

    def loaded(self) -> str:
        """Return the loaded table as nft lists it; "" when there is none."""
        code, out, _ = self.module.run_command(["nft", "list", "table", *TABLE])
        return str(out) if code == 0 else ""

    def wanted(self, candidate: str) -> str:
        """Return the candidate file as nft lists it once loaded, from a network namespace of its own."""
        code, out, err = self.module.run_command(
            ["unshare", "--net", "sh", "-ec", 'nft -f "$1" && nft list table inet xinglin', "sh", candidate]
        )
        if code != 0:
            self.module.fail_json(msg=f"nft refuses the new ruleset, nothing was loaded: {err.strip()}")
        return str(out)

    def pending(self) -> list[str]:
        """Return the timers of unconfirmed attempts."""
        out = self.run("systemctl", "list-units", "--plain", "--no-legend", "--all", f"{UNIT}*.timer")
        return [line.split()[0] for line in out.splitlines() if line.strip()]

    def attempt(self, candidate: str, timeout_seconds: int) -> str:
        """Load the candidate with a timer that undoes it; return the attempt's token."""
        for timer in self.pending():
            self.run("systemctl", "stop", timer)
            self.run("nft", "-f", f"{RUN}/{timer.removeprefix(UNIT).removesuffix('.timer')}.undo")
        os.makedirs(RUN, mode=0o700, exist_ok=True)  # noqa: PTH103
        token = secrets.token_hex(8)
        undo = f"{RUN}/{token}.undo"
        with open(undo, "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(undo_script(self.loaded()))
        self.run(
            "systemd-run", "--quiet", f"--unit={UNIT}{token}", f"--on-active={timeout_seconds}s",
            "--timer-property=AccuracySec=100ms", "--property=Type=oneshot", "nft", "-f", undo,
        )  # fmt: skip
        self.run("nft", "-f", candidate)
        return token

    def confirm(self, token: str, wanted: str, content: str) -> None:
        """Keep the attempt ``token`` for good; fail unless it is the pending one and its rules are the loaded ones."""
        if f"{UNIT}{token}.timer" not in self.pending():
            self.module.fail_json(
                msg="the new ruleset was not confirmed in time, the host has restored its last good one. Next: look at "
                "the flows of this host in facility.yml; the operator's address must be allowed to use SSH."
            )
        self.run("systemctl", "stop", f"{UNIT}{token}.timer")
        if normal(self.loaded()) != normal(wanted):
            self.module.fail_json(msg="the loaded ruleset is not the one that was tried; the old one stays for boot.")
        persist(content)
        os.unlink(f"{RUN}/{token}.undo")  # noqa: PTH108


def persist(content: str) -> None:
    """Write /etc/nftables.conf in one step."""
    with tempfile.NamedTemporaryFile("w", dir="/etc", prefix=".nftables.", encoding="utf-8", delete=False) as file:
        file.write(content)
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())
    os.replace(file.name, FILE)  # noqa: PTH105


def on_disk() -> str:
    """Return /etc/nftables.conf, "" when there is none."""
    try:
        with open(FILE, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read()
    except FileNotFoundError:
        return ""


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["tried", "confirmed"], "required": True},
            "content": {"type": "str", "required": True},
            "token": {"type": "str", "no_log": False},
            "timeout_seconds": {"type": "int", "default": 20},
        },
        required_if=[("state", "confirmed", ["token"])],
        supports_check_mode=True,
    )
    firewall = Firewall(module)
    content: str = module.params["content"]
    if module.check_mode and subprocess.run(["which", "nft"], capture_output=True, check=False).returncode:
        module.exit_json(changed=True, diff={"before": on_disk(), "after": content, "after_header": FILE})
    with tempfile.NamedTemporaryFile("w", suffix=".nft", encoding="utf-8") as candidate:
        candidate.write(content)
        candidate.flush()
        loaded, wanted = firewall.loaded(), firewall.wanted(candidate.name)
        if module.params["state"] == "confirmed":
            firewall.confirm(module.params["token"], wanted, content)
            module.exit_json(changed=True)
        changed = normal(loaded) != normal(wanted)
        stale = on_disk() != content
        token = None
        if not module.check_mode and (changed or firewall.pending()):
            token = firewall.attempt(candidate.name, module.params["timeout_seconds"])
        elif not module.check_mode and stale:
            persist(content)
    module.exit_json(
        changed=changed or stale,
        token=token,
        diff={"before": normal(loaded) + "\n", "after": normal(wanted) + "\n", "after_header": "table inet xinglin"},
    )


if __name__ == "__main__":
    main()
