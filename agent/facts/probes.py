"""What is read from a host: one row a probe.

A probe is a command that an assessor can type again and get the same text.  It only reads.  What would be secret
is reduced by the command itself (``shadow`` never prints a hash), and ``redact`` is a second net behind it.
The keys in the comments (L01 …) are the rows of the assessor's probe list that the output serves.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

KIB = 1024
BACKUP_READER = str(Path(__file__).with_name("backup_status.py"))

# Field 2 of passwd is "x" on a sound host; a hash there would leave the host without this.
ACCOUNT_COLUMNS = 'BEGIN{FS=OFS=":"} {$2=($2=="x"?"x":($2==""?"empty":"set")); $5=""; print}'
# name:state:last change:min:max:warn:inactive:expires (days; last change and expiry since 1970-01-01).
SHADOW_COLUMNS = (
    'BEGIN{FS=OFS=":"} {s="set"; if ($2=="") s="empty"; else if ($2 ~ /^[!*]/) s="locked";'
    " print $1,s,$3,$4,$5,$6,$7,$8}"
)
SETTING = r"^[[:space:]]*([#;]|$)"
FORWARDING = r"^[^#]*(@[^ ]|omfwd|omrelp|^URL=)"
FORWARDING_FILES = ("/etc/rsyslog.conf", "/etc/rsyslog.d", "/etc/systemd/journal-upload.conf")
PACKAGE_LISTS = ("(", "-name", "*InRelease", "-o", "-name", "partial", "-o", "-name", "update-success-stamp", ")")
# Without lock, caches and planner log: apt would write all three.
APT_SIMULATION = (
    *("apt-get", "-s", "-qq", "--with-new-pkgs", "upgrade"),
    *("-o", "Debug::NoLocking=true", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="),
    *("-o", "Dir::Log::Planner=/dev/null"),
)
UNITS = (
    "auditd.service",
    "rsyslog.service",
    "syslog-ng.service",
    "systemd-journald.service",
    "systemd-journal-upload.service",
    "chrony.service",
    "ntpsec.service",
    "systemd-timesyncd.service",
    "ssh.service",
    "ssh.socket",
    "nftables.service",
    "fail2ban.service",
    "clamav-daemon.service",
    "clamav-freshclam.service",
    "clamav-clamonacc.service",
    "unattended-upgrades.service",
)


@dataclass(frozen=True)
class Probe:
    """One read-only command, its time-out and the most bytes kept of each of its two outputs."""

    name: str
    argv: tuple[str, ...]
    timeout_seconds: float = 5.0
    max_bytes: int = 64 * KIB


def _settings(name: str, *paths: str) -> Probe:
    """Probe for the lines of configuration files that are not comments, each with its file name before it."""
    return Probe(name, ("grep", "-rEvHs", SETTING, *paths), max_bytes=128 * KIB)


PROBES: tuple[Probe, ...] = (
    Probe("os_release", ("cat", "/etc/os-release")),
    Probe("kernel", ("uname", "-r")),
    Probe("virtualization", ("systemd-detect-virt",)),
    Probe("accounts", ("awk", ACCOUNT_COLUMNS, "/etc/passwd")),  # L02 L03 L15 L16 L18
    Probe("shadow", ("awk", SHADOW_COLUMNS, "/etc/shadow")),  # L01 L04 L16
    Probe("groups", ("awk", "-F:", '{print $1":"$3":"$4}', "/etc/group")),  # L21
    _settings("login_defs", "/etc/login.defs"),  # L04
    _settings(  # L05 L06 L09
        "pam",
        "/etc/pam.d/common-auth",
        "/etc/pam.d/common-account",
        "/etc/pam.d/common-password",
        "/etc/pam.d/sshd",
        "/etc/pam.d/login",
    ),
    _settings(
        "pam_settings",
        "/etc/security/pwquality.conf",
        "/etc/security/pwquality.conf.d",
        "/etc/security/faillock.conf",
        "/etc/security/pwhistory.conf",
    ),
    Probe(  # L10
        "shell_timeout",
        ("grep", "-rHsw", "TMOUT", "/etc/profile", "/etc/profile.d", "/etc/bash.bashrc", "/etc/environment"),
    ),
    Probe("sshd_effective", ("sshd", "-T")),  # L11 L13 L14 L17
    Probe("listening_sockets", ("ss", "-H", "-l", "-t", "-u", "-n", "-p"), max_bytes=256 * KIB),  # L12 L22 L39
    _settings("sudoers", "/etc/sudoers", "/etc/sudoers.d"),  # L21
    Probe("audit_status", ("auditctl", "-s")),  # L28 L37
    Probe("audit_rules", ("auditctl", "-l"), max_bytes=128 * KIB),  # L29
    _settings("auditd_config", "/etc/audit/auditd.conf"),  # L36
    Probe("services", ("systemctl", "show", "--no-pager", "-p", "Id,LoadState,ActiveState,UnitFileState", *UNITS)),
    Probe(  # L40
        "enabled_services",
        ("systemctl", "list-unit-files", "--state=enabled", "--no-legend", "--no-pager", "--plain"),
    ),
    Probe("journald_config", ("systemd-analyze", "--no-pager", "cat-config", "systemd/journald.conf")),  # L30 L35
    Probe("journal_newest", ("journalctl", "-q", "--no-pager", "-n", "1", "-o", "json", "--output-fields=_BOOT_ID")),
    Probe(  # L35; an archived file has the time of its first record in its name, an active one in its header
        "journal_files",
        ("find", "/var/log/journal", "-name", "*.journal*", "-printf", "%p %s\\n"),
        max_bytes=128 * KIB,
    ),
    Probe("journal_active", ("journalctl", "--no-pager", "--file=/var/log/journal/*/system.journal", "--header")),
    Probe("log_space", ("df", "-B1", "--output=size,avail,target", "/var/log")),  # L35
    Probe("log_forwarding", ("grep", "-rEHs", FORWARDING, *FORWARDING_FILES)),  # L34
    _settings("logrotate", "/etc/logrotate.conf", "/etc/logrotate.d"),  # L36
    Probe(  # L33
        "log_files",
        ("find", "/var/log", "-maxdepth", "3", "-type", "f", "-printf", "%m %u %g %p\\n"),
        max_bytes=256 * KIB,
    ),
    Probe("time_state", ("timedatectl", "show")),  # L32
    Probe("time_tracking", ("chronyc", "-n", "tracking")),  # L32
    Probe(  # L38
        "packages",
        ("dpkg-query", "-W", "-f=${db:Status-Abbrev} ${Package} ${Version}\\n"),
        max_bytes=512 * KIB,
    ),
    Probe("nft_ruleset", ("nft", "-j", "-s", "list", "ruleset"), max_bytes=512 * KIB),  # L42
    Probe("pending_updates", APT_SIMULATION, timeout_seconds=30.0, max_bytes=256 * KIB),  # L43
    Probe("package_lists", ("find", "/var/lib/apt", "-maxdepth", "2", *PACKAGE_LISTS, "-printf", "%T@ %p\\n")),  # L44
    Probe("package_change", ("stat", "-c", "%Y %n", "/var/lib/dpkg/status")),  # L43
    Probe("malware_signatures", ("grep", "-rHaosm1", "^ClamAV-VDB:[^:]*:[0-9]*", "/var/lib/clamav")),  # L49
    _settings("file_sharing", "/etc/exports", "/etc/exports.d", "/etc/samba/smb.conf"),  # L41
    Probe(  # L57 L58 L59
        "backup_status",
        (sys.executable, "-I", "-S", BACKUP_READER, "/etc/xinglin/backup.json", "/var/lib/xinglin/backup"),
        max_bytes=256 * KIB,
    ),
)
