"""Make a facility: its files from answers, its secrets from the system's random source."""

import datetime as dt
import shutil
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from inventory.answers import Answers
from inventory.document import read_document
from inventory.files import GITIGNORE, HOSTS, OPERATOR_KEY, SCHEMA, VARIABLES, VAULT, VAULT_PASSWORD, write_new
from inventory.loader import load_facility
from inventory.mistakes import FacilityError, Mistake
from inventory.schema.whole import Facility
from inventory.vault import REQUIRED, encrypt, new_secret
from inventory.view import View
from inventory.writing import hosts_text, ignore_text, schema_text, variables_text


def create_facility(answers: Answers, directory: Path, today: dt.date | None = None) -> Facility:
    """Write a whole facility to ``directory``, validated, in one step; its flows are to be reviewed in a year.

    Raises FacilityError when ``directory`` holds anything, or when the answers make no valid facility; its mistakes
    then name the files that would have been written.  Whatever fails, ``directory`` is as it was.
    """
    if (directory.is_dir() and any(directory.iterdir())) or (directory.exists() and not directory.is_dir()):
        problem = "is there already; nothing was written"
        raise FacilityError([Mistake(directory, 1, "", problem, "a directory that is new or empty")])
    review_by = (today or dt.datetime.now(tz=dt.UTC).date()) + dt.timedelta(days=365)
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}-"))
    try:
        write_new(draft / HOSTS, hosts_text(answers).encode())
        write_new(draft / VARIABLES, variables_text(answers, review_by).encode())
        write_new(draft / GITIGNORE, ignore_text().encode())
        write_new(draft / SCHEMA, schema_text().encode())
        make_secrets(draft)
        try:
            load_facility(draft)
        except FacilityError as error:
            raise FacilityError(_moved(mistake, draft, directory) for mistake in error.mistakes) from None
        draft.rename(directory)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return load_facility(directory)


def make_secrets(directory: Path) -> tuple[Path, ...]:
    """Make the secrets that the facility in ``directory`` lacks; return the files written, none when it has all.

    They are the vault's password, vault.yml encrypted with it, and the operator's key pair (Ed25519, OpenSSH form).
    Nothing is ever overwritten.  Raises FacilityError for a vault.yml whose password is gone, and for a half key pair.
    """
    written = []
    password_file, vault_file = directory / VAULT_PASSWORD, directory / VAULT
    if not password_file.exists():
        if vault_file.exists():
            allowed = f"the password of {VAULT}; next: bring it back from the recovery kit"
            raise FacilityError([Mistake(password_file, 1, "", "is missing, and only it opens the vault", allowed)])
        write_new(password_file, f"{new_secret()}\n".encode(), 0o600)
        written.append(password_file)
    if not vault_file.exists():
        lines = [f"# {purpose}\n{name}: {new_secret()}\n" for name, purpose in REQUIRED.items()]
        plain = ("---\n" + "".join(lines)).encode()
        write_new(vault_file, encrypt(plain, password_file.read_bytes().strip()), 0o600)
        written.append(vault_file)
    return (*written, *_make_operator_key(directory))


def _make_operator_key(directory: Path) -> tuple[Path, ...]:
    named = View.of(read_document(directory / VARIABLES)).get("operator").get("key").text
    private = directory / Path(named or OPERATOR_KEY).name
    public = private.with_name(f"{private.name}.pub")
    if private.exists():
        return ()
    if public.exists():
        allowed = f"both halves; next: bring {private.name} back, or remove {public.name} to make a new pair"
        raise FacilityError([Mistake(private, 1, "", "is missing, its public half is there", allowed)])
    key = Ed25519PrivateKey.generate()
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    write_new(private, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()), 0o600)
    write_new(public, line + b" xinglin-operator\n")
    return private, public


def _moved(mistake: Mistake, draft: Path, directory: Path) -> Mistake:
    file = directory / mistake.file.relative_to(draft)
    return Mistake(file, mistake.line, mistake.key, mistake.problem, mistake.allowed)
