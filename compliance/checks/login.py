"""Failed logins, idle sessions, and what a login sends over the wire (…4.1.b and …4.1.c)."""

import re

from compliance.checks.model import Check, Step
from compliance.checks.parse import assignments, keywords, listeners, listing, module_arguments, number
from compliance.facts import Facts
from compliance.results import Outcome, failed, not_applicable, partly, passed, text
from compliance.thresholds import limit

SSH_SERVERS = ("openssh-server", "dropbear-bin", "tinysshd")
# TCP ports whose protocols send passwords in clear: ftp, telnet, rexec, rlogin, rsh.
CLEAR_TEXT_PORTS = {21: "ftp", 23: "telnet", 512: "rexec", 513: "rlogin", 514: "rsh"}
CLEAR_TEXT_PACKAGES = (
    *("telnetd", "inetutils-telnetd", "telnetd-ssl", "ftpd", "inetutils-ftpd", "vsftpd", "proftpd-core"),
    *("pure-ftpd", "rsh-server", "rsh-redone-server", "inetutils-inetd"),
)
WEAK_CIPHER = re.compile(r"cbc|3des|arcfour|rc4|blowfish|cast128")
WEAK_MAC = re.compile(r"md5")
WEAK_EXCHANGE = re.compile(r"sha1$")
_TMOUT = re.compile(r"\bTMOUT=[\"']?(\d+)")
_TMOUT_READONLY = re.compile(r"\b(?:readonly|(?:declare|typeset)\s+-[a-z]*r[a-z]*)\b[^;#]*\bTMOUT\b")


def lockout(facts: Facts) -> Outcome:
    """L09: pam_faillock before and after the password, and in the account stack; attempts and lock time."""
    pam = facts.lines("pam")
    auth = module_arguments(pam, "common-auth", "auth", "pam_faillock.so")
    account = module_arguments(pam, "common-account", "account", "pam_faillock.so")
    stages = {argument for arguments in auth for argument in arguments}
    missing = [
        name
        for name, there in (
            ("preauth", "preauth" in stages),
            ("authfail", "authfail" in stages),
            ("account", bool(account)),
        )
        if not there
    ]
    advice = text(
        "Put pam_faillock into common-auth (preauth, authfail) and common-account; set deny = 5 and "
        "unlock_time = 900 in /etc/security/faillock.conf."
    )
    if "authfail" in missing:
        return failed(text("Failed logins are not counted: an account can be guessed at without end."), advice)
    settings = [line for path, line in facts.lines("pam_settings") if path.endswith("/faillock.conf")]
    options = assignments(settings + sorted(stages))
    deny = number(options.get("deny"), 3)
    seconds = 0 if options.get("unlock_time") == "never" else number(options.get("unlock_time"), 600)
    low, high, wanted = limit("lockout_min_attempts"), limit("lockout_max_attempts"), limit("lockout_seconds")
    statement = text(
        "An account is locked after {deny} failed logins (wanted {low}–{high}) for {seconds} s (wanted ≥ {wanted}; "
        "0 = until unlocked).",
        deny=deny,
        low=low,
        high=high,
        seconds=seconds,
        wanted=wanted,
    )
    if not 0 < deny <= high or 0 < seconds < wanted:
        return failed(statement, advice)
    if missing:
        return partly(text("pam_faillock is set up in part; missing: {names}", names=listing(missing)), advice)
    if deny < low:
        return partly(statement, text("Set deny to 3–5: fewer locks people out by a typing mistake."))
    return passed(statement)


def idle_exit(facts: Facts) -> Outcome:
    """L10: shells end after idle time, and the user can't switch that off."""
    lines = [line for _, line in facts.lines("shell_timeout") if not line.startswith("#")]
    found = [int(match.group(1)) for line in lines for match in _TMOUT.finditer(line)]
    wanted = limit("idle_seconds")
    advice = text(
        "Write “readonly TMOUT=600; export TMOUT” into /etc/profile.d/tmout.sh (limit {limit} s).", limit=wanted
    )
    if not found or found[-1] == 0:
        return failed(text("Idle shells never end (TMOUT is not set)."), advice)
    statement = text("Idle shells end after {seconds} s (wanted ≤ {limit}).", seconds=found[-1], limit=wanted)
    if found[-1] > wanted:
        return failed(statement, advice)
    if not any(_TMOUT_READONLY.search(line) for line in lines):
        return partly(
            text("Idle shells end after {seconds} s, but users can switch it off.", seconds=found[-1]), advice
        )
    return passed(statement)


def ssh_limits(facts: Facts) -> Outcome:
    """L11: SSH gives few attempts and little time for one login."""
    if not facts.installed(*SSH_SERVERS):
        return not_applicable(text("No SSH server is installed on this host."))
    settings = keywords(facts.output("sshd_effective"))
    tries, grace = number(settings.get("maxauthtries"), 6), number(settings.get("logingracetime"), 120)
    tries_limit, grace_limit = limit("ssh_max_auth_tries"), limit("ssh_login_grace_seconds")
    statement = text(
        "SSH: {tries} attempts a connection (wanted ≤ {tries_limit}), {grace} s to log in "
        "(wanted ≤ {grace_limit}, 0 = no limit).",
        tries=tries,
        tries_limit=tries_limit,
        grace=grace,
        grace_limit=grace_limit,
    )
    good = (tries <= tries_limit, 0 < grace <= grace_limit)
    if all(good):
        return passed(statement)
    advice = text("Set MaxAuthTries 4 and LoginGraceTime 60 in /etc/ssh/sshd_config.d/ and reload ssh.")
    return partly(statement, advice) if any(good) else failed(statement, advice)


def no_clear_text_login(facts: Facts) -> Outcome:
    """L12: nothing listens for telnet, ftp or the r-commands, and no such server is installed."""
    open_ports = {
        socket.port
        for socket in listeners(facts.output("listening_sockets"))
        if socket.protocol == "tcp" and socket.exposed and socket.port in CLEAR_TEXT_PORTS
    }
    if open_ports:
        names = listing(f"{CLEAR_TEXT_PORTS[port]}/{port}" for port in sorted(open_ports))
        return failed(
            text("Remote login that sends passwords in clear is open: {names}", names=names),
            text("Stop and remove these services; use SSH, or SFTP for files."),
            high_risk="6.4.1.2",
        )
    packages = sorted(facts.packages().keys() & set(CLEAR_TEXT_PACKAGES))
    if packages:
        return partly(
            text("Clear-text servers are installed but don't listen: {names}", names=listing(packages)),
            text("Remove them: apt purge {names}", names=" ".join(packages)),
        )
    return passed(text("No telnet, ftp, rlogin or rsh server is installed or listening."))


def ssh_encryption(facts: Facts) -> Outcome:
    """L13: no weak cipher, MAC or key exchange is offered; empty passwords are refused."""
    if not facts.installed(*SSH_SERVERS):
        return not_applicable(text("No SSH server is installed on this host."))
    settings = keywords(facts.output("sshd_effective"))
    if settings.get("permitemptypasswords") == "yes":
        return failed(
            text("SSH lets accounts with an empty password in."),
            text("Set PermitEmptyPasswords no in the SSH server's configuration and reload ssh."),
            high_risk="6.4.1.1",
        )
    weak = [
        name
        for keyword, pattern in (("ciphers", WEAK_CIPHER), ("macs", WEAK_MAC), ("kexalgorithms", WEAK_EXCHANGE))
        for name in settings.get(keyword, "").split(",")
        if pattern.search(name)
    ]
    if weak:
        return failed(
            text("SSH offers weak algorithms: {names}", names=listing(weak)),
            text("Remove them from Ciphers, MACs and KexAlgorithms (Debian's own defaults have none) and reload ssh."),
        )
    return passed(
        text(
            "SSH offers {count} ciphers, none of them weak; empty passwords are refused.",
            count=len(settings.get("ciphers", "").split(",")),
        )
    )


LOGIN_FAILURE = Check(
    id="login_failure",
    requirements={2: "7.1.4.1.b", 3: "8.1.4.1.b"},
    meaning=text(
        "Passwords can be tried until one fits, or a screen left open at the desk is used by the next person."
    ),
    steps=(
        Step("lockout", ("L09",), ("pam", "pam_settings"), lockout),
        Step("idle_exit", ("L10",), ("shell_timeout",), idle_exit),
        Step("ssh_limits", ("L11",), ("packages", "sshd_effective"), ssh_limits),
    ),
)
REMOTE_MANAGEMENT = Check(
    id="remote_management",
    requirements={2: "7.1.4.1.c", 3: "8.1.4.1.c"},
    meaning=text("Anyone on the same network can read the administrator's password while it is typed."),
    steps=(
        Step("no_clear_text_login", ("L12",), ("listening_sockets", "packages"), no_clear_text_login),
        Step("ssh_encryption", ("L13",), ("packages", "sshd_effective"), ssh_encryption),
    ),
)
