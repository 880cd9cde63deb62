"""Hash and check passwords: Argon2id, kept as PHC strings; and the rules a new password must meet."""

import os
import re

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from console.i18n import Text

# OWASP asks for at least 46 MiB x 1 pass; 2 passes cost ≈ 0.1 s on a small appliance.
MEMORY_KIBIBYTES = 47_104
PASSES = 2
LANES = 1
HASH_BYTES = 32
PARAMETERS = f"$argon2id$v=19$m={MEMORY_KIBIBYTES},t={PASSES},p={LANES}$"

MINIMUM_LENGTH = 10
MAXIMUM_LENGTH = 256  # keeps the hash's cost bounded
MINIMUM_CLASSES = 3
CLASSES = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^a-zA-Z0-9]")
# What people type when made to mix classes; compared without case, digits' look-alikes undone.
COMMON = ("password", "passwort", "admin", "xinglin", "qwerty", "letmein", "welcome", "hospital", "iloveyou", "woaini")
LOOKALIKES = str.maketrans("0134578@$!", "oleastbasi")


def hash_password(password: str) -> str:
    """Return the PHC string of a password with a fresh salt."""
    kdf = Argon2id(salt=os.urandom(16), length=HASH_BYTES, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIBIBYTES)
    return kdf.derive_phc_encoded(password.encode())


def password_matches(password: str, phc: str) -> bool:
    """Return whether ``password`` has the hash ``phc``, in time that does not depend on where they differ."""
    if len(password) > MAXIMUM_LENGTH:
        return False
    try:
        Argon2id.verify_phc_encoded(password.encode(), phc)
    except InvalidKey:
        return False
    return True


def needs_rehash(phc: str) -> bool:
    """Return whether ``phc`` was made with other parameters than today's."""
    return not phc.startswith(PARAMETERS)


def password_faults(password: str, username: str) -> list[Text]:
    """Return every rule of GB/T 22239-2019 8.1.4.1 (complexity) that a new password breaks; empty when it is good."""
    faults = []
    if len(password) < MINIMUM_LENGTH:
        faults.append(Text("The password needs at least {count} characters.", {"count": MINIMUM_LENGTH}))
    if len(password) > MAXIMUM_LENGTH:
        faults.append(Text("The password may have at most {count} characters.", {"count": MAXIMUM_LENGTH}))
    if sum(re.search(one, password) is not None for one in CLASSES) < MINIMUM_CLASSES:
        faults.append(
            Text(
                "The password needs characters of at least {count} of these kinds: small letters, capital letters, "
                "digits, others.",
                {"count": MINIMUM_CLASSES},
            )
        )
    plain = password.lower()
    if username and username.lower() in plain:
        faults.append(Text("The password must not contain the account's name."))
    if any(word in plain.translate(LOOKALIKES) for word in COMMON) or len(set(plain)) < MINIMUM_LENGTH // 2:
        faults.append(Text("The password is too easy to guess."))
    return faults
