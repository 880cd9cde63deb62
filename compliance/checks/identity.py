"""Identification: unique accounts, password state, ageing, strength and history (7.1.4.1.a, 8.1.4.1.a)."""

from collections import Counter

from compliance.checks.model import Check, Step
from compliance.checks.parse import accounts, assignments, keywords, listing, module_arguments, number, secrets
from compliance.facts import Facts
from compliance.results import Outcome, failed, not_applicable, partly, passed, text
from compliance.thresholds import limit

CREDITS = ("ucredit", "lcredit", "dcredit", "ocredit")


def no_empty_password(facts: Facts) -> Outcome:
    """L01: no account without a password.  One is enough for high-risk case 6.4.1.1."""
    found = secrets(facts.output("shadow")).values()
    empty = [secret.name for secret in found if secret.state == "empty"]
    if empty:
        return failed(
            text("{count} account(s) have an empty password: {names}", count=len(empty), names=listing(empty)),
            text("Lock each of them now: passwd -l {name}; then give it a password or delete it.", name=empty[0]),
            high_risk="6.4.1.1",
        )
    return passed(text("None of {count} accounts has an empty password.", count=len(found)))


def unique_accounts(facts: Facts) -> Outcome:
    """L02, L03: no name and no UID twice; UID 0 only for root."""
    found = accounts(facts.output("accounts"))
    names = [name for name, count in Counter(account.name for account in found).items() if count > 1]
    uids = {uid for uid, count in Counter(account.uid for account in found).items() if count > 1}
    shared = [account.name for account in found if account.uid in uids]
    if names or shared:
        return failed(
            text("Accounts are not unique: {names}", names=listing(dict.fromkeys([*names, *shared]))),
            text("Give each person an own account with an own UID (usermod -u), and delete the doubles."),
        )
    others = [account.name for account in found if account.uid == 0 and account.name != "root"]
    if others:
        return failed(
            text("UID 0 belongs to others than root: {names}", names=listing(others)),
            text("Delete these accounts or give them an own UID; use sudo for administration."),
        )
    return passed(text("{count} accounts: every name and UID is unique; UID 0 is root alone.", count=len(found)))


def password_ageing(facts: Facts) -> Outcome:
    """L04: the effective ages of every account that has a password."""
    found = [secret for secret in secrets(facts.output("shadow")).values() if secret.state == "set"]
    maximum, minimum, warning = (limit(f"password_{name}_days") for name in ("max", "min", "warn"))
    if not found:
        return not_applicable(text("No account logs in with a password; there is none to change."))
    old = [s.name for s in found if s.max_days is None or not 0 < s.max_days <= maximum]
    if old:
        return failed(
            text(
                "{count} of {total} accounts with a password need not change it within {limit} days: {names}",
                count=len(old),
                total=len(found),
                limit=maximum,
                names=listing(old),
            ),
            text(
                "Set the ages of each account: chage -M {max} -m {min} -W {warn} NAME",
                max=maximum,
                min=minimum,
                warn=warning,
            ),
        )
    loose = [s.name for s in found if (s.min_days or 0) < minimum or (s.warn_days or 0) < warning]
    if loose:
        return partly(
            text(
                "Passwords expire in time, but minimum age under {min} or warning under {warn} days: {names}",
                min=minimum,
                warn=warning,
                names=listing(loose),
            ),
            text("Set the minimum age and the warning: chage -m {min} -W {warn} NAME", min=minimum, warn=warning),
        )
    return passed(
        text("All {count} accounts with a password change it within {limit} days.", count=len(found), limit=maximum)
    )


def new_account_ageing(facts: Facts) -> Outcome:
    """L04: what login.defs gives the next account."""
    values = keywords("\n".join(line for _, line in facts.lines("login_defs")))
    found = {name: number(values.get(f"pass_{name}"), -1) for name in ("max_days", "min_days", "warn_age")}
    maximum, minimum, warning = (limit(f"password_{name}_days") for name in ("max", "min", "warn"))
    statement = text(
        "login.defs for new accounts: maximum {max}, minimum {min}, warning {warn} days (wanted ≤ {max_limit}, "
        "≥ {min_limit}, ≥ {warn_limit}).",
        max=found["max_days"],
        min=found["min_days"],
        warn=found["warn_age"],
        max_limit=maximum,
        min_limit=minimum,
        warn_limit=warning,
    )
    advice = text("Set PASS_MAX_DAYS, PASS_MIN_DAYS and PASS_WARN_AGE in /etc/login.defs.")
    if not 0 < found["max_days"] <= maximum:
        return failed(statement, advice)
    if found["min_days"] < minimum or found["warn_age"] < warning:
        return partly(statement, advice)
    return passed(statement)


def password_strength(facts: Facts) -> Outcome:
    """L05: pam_pwquality is in the stack and asks for length and character classes, of root too."""
    used = module_arguments(facts.lines("pam"), "common-password", "password", "pam_pwquality.so")
    if not used:
        return failed(
            text("Nothing checks how strong a new password is (pam_pwquality is not in common-password)."),
            text("Install libpam-pwquality and set minlen, minclass and enforce_for_root in pwquality.conf."),
        )
    # libpwquality reads pwquality.conf.d first, then pwquality.conf, then the module's arguments.
    files = sorted((line for line in facts.lines("pam_settings") if "pwquality.conf" in line[0]), key=_drop_ins_first)
    options = assignments([line for _, line in files] + used[0])
    credits_ = [number(options.get(name), 0) for name in CREDITS]
    length = number(options.get("minlen"), 8) - sum(credit for credit in credits_ if credit > 0)
    classes = max(number(options.get("minclass"), 0), sum(credit < 0 for credit in credits_))
    enforced = options.get("enforcing", "1") != "0"
    statement = text(
        "New passwords: at least {length} characters (wanted ≥ {length_limit}), {classes} character classes "
        "(wanted ≥ {classes_limit}).",
        length=length,
        length_limit=limit("password_min_length"),
        classes=classes,
        classes_limit=limit("password_classes"),
    )
    if not enforced or length < limit("password_min_length") or classes < limit("password_classes"):
        return failed(
            statement,
            text("Set minlen ≥ 8, minclass ≥ 3 and enforcing = 1 in /etc/security/pwquality.conf."),
        )
    if "enforce_for_root" not in options:
        return partly(
            text("The password rules are right but don't bind root (enforce_for_root is missing)."),
            text("Add enforce_for_root to /etc/security/pwquality.conf."),
        )
    return passed(statement)


def password_history(facts: Facts) -> Outcome:
    """L06: old passwords can't be used again."""
    pam = facts.lines("pam")
    remembered = 0
    for arguments in module_arguments(pam, "common-password", "password", "pam_pwhistory.so"):
        settings = [line for path, line in facts.lines("pam_settings") if path.endswith("/pwhistory.conf")]
        remembered = max(remembered, number(assignments(settings + arguments).get("remember"), 10))
    for arguments in module_arguments(pam, "common-password", "password", "pam_unix.so"):
        remembered = max(remembered, number(assignments(arguments).get("remember"), 0))
    wanted = limit("password_history")
    statement = text("{count} old passwords are remembered (wanted ≥ {limit}).", count=remembered, limit=wanted)
    if remembered < wanted:
        return failed(statement, text("Add pam_pwhistory.so remember=5 before pam_unix.so in common-password."))
    return passed(statement)


def _drop_ins_first(line: tuple[str, str]) -> tuple[bool, str]:
    return (".d/" not in line[0], line[0])


CHECK = Check(
    id="identity",
    requirements={2: "7.1.4.1.a", 3: "8.1.4.1.a"},
    meaning=text(
        "Whoever guesses or finds a weak or old password acts as a member of staff: patient records can be read "
        "or changed, and the log names the wrong person."
    ),
    steps=(
        Step("no_empty_password", ("L01",), ("shadow",), no_empty_password),
        Step("unique_accounts", ("L02", "L03"), ("accounts",), unique_accounts),
        Step("password_ageing", ("L04",), ("shadow",), password_ageing),
        Step("new_account_ageing", ("L04",), ("login_defs",), new_account_ageing),
        Step("password_strength", ("L05",), ("pam", "pam_settings"), password_strength),
        Step("password_history", ("L06",), ("pam", "pam_settings"), password_history),
    ),
)
