"""Every check, in the catalogue's order."""

from compliance.checks import accounts, audit, backups, exposure, identity, login, logs, malware, patches
from compliance.checks.model import Check

CHECKS: tuple[Check, ...] = (
    identity.CHECK,
    login.LOGIN_FAILURE,
    login.REMOTE_MANAGEMENT,
    accounts.CHECK,
    audit.CHECK,
    logs.CHECK,
    exposure.CHECK,
    patches.CHECK,
    malware.CHECK,
    backups.CHECK,
)
