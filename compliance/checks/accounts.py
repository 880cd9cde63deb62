"""Default accounts: renamed, removed or unusable (7.1.4.2.b, 8.1.4.2.b)."""

from compliance.checks.model import Check, Step
from compliance.checks.parse import accounts, keywords, listing, number, secrets
from compliance.facts import Facts
from compliance.results import Outcome, failed, not_applicable, partly, passed, text

DEFAULT_NAMES = frozenset(
    {
        *("admin", "administrator", "alarm", "debian", "demo", "ftpuser", "guest", "kali", "nagios", "operator"),
        *("oracle", "orangepi", "pi", "support", "test", "testuser", "tomcat", "ubuntu", "user", "vagrant"),
    }
)
NOBODY = 65534


def root_login(facts: Facts) -> Outcome:
    """L17: root, the default administrator, can't log in over the network with a password."""
    if not facts.installed("openssh-server", "dropbear-bin", "tinysshd"):
        return not_applicable(text("No SSH server is installed on this host."))
    value = keywords(facts.output("sshd_effective")).get("permitrootlogin", "?")
    advice = text(
        "Let administrators log in under their own names and set PermitRootLogin no; if a key for root is needed, "
        "write down why."
    )
    statement = text("SSH login as root: PermitRootLogin {value} (wanted no).", value=value)
    if value == "no":
        return passed(statement)
    if value in ("prohibit-password", "without-password", "forced-commands-only"):
        return partly(statement, advice)
    return failed(statement, advice)


def default_names(facts: Facts) -> Outcome:
    """L18: no well-known account name that can be logged in to."""
    states = secrets(facts.output("shadow"))
    known = [a for a in accounts(facts.output("accounts")) if a.name in DEFAULT_NAMES and a.can_log_in]
    usable = [a.name for a in known if a.name not in states or states[a.name].state != "locked"]
    advice = text("Rename or delete these accounts (usermod -l, deluser); at least change the password and lock them.")
    if usable:
        return failed(text("Well-known accounts can be logged in to: {names}", names=listing(usable)), advice)
    if known:
        return partly(
            text(
                "Well-known accounts have a login shell, though no password: {names}",
                names=listing(account.name for account in known),
            ),
            advice,
        )
    return passed(text("None of the {count} well-known default account names can log in.", count=len(DEFAULT_NAMES)))


def system_accounts(facts: Facts) -> Outcome:
    """L16: accounts of programs have neither a login shell nor a password."""
    first_person = number(keywords("\n".join(line for _, line in facts.lines("login_defs"))).get("uid_min"), 1000)
    states = secrets(facts.output("shadow"))
    found = [a for a in accounts(facts.output("accounts")) if 0 < a.uid < first_person or a.uid == NOBODY]
    usable = [a.name for a in found if a.name in states and states[a.name].state != "locked"]
    if usable:
        return failed(
            text("System accounts have a password: {names}", names=listing(usable)),
            text("Lock them: passwd -l {name}", name=usable[0]),
        )
    shells = [account.name for account in found if account.can_log_in]
    if shells:
        return partly(
            text("System accounts have a login shell, though no password: {names}", names=listing(shells)),
            text("Set their shell to nologin (usermod -s /usr/sbin/nologin), or write down why a program needs it."),
        )
    return passed(text("All {count} system accounts are locked and have no login shell.", count=len(found)))


CHECK = Check(
    id="default_accounts",
    requirements={2: "7.1.4.2.b", 3: "8.1.4.2.b"},
    meaning=text("Names and passwords that come with a product are in every attacker's list and are tried first."),
    steps=(
        Step("root_login", ("L17",), ("packages", "sshd_effective"), root_login),
        Step("default_names", ("L18",), ("accounts", "shadow"), default_names),
        Step("system_accounts", ("L16",), ("accounts", "shadow", "login_defs"), system_accounts),
    ),
)
