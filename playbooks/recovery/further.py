"""The facility's further copies for its kit: where each is, and what opens it, sealed with the recovery code."""

from backup.kit import seal
from backup.kit.copies import PASSWORD, Copies, DiskCopy, Place, S3Copy, SftpCopy
from inventory.loader import Facility
from inventory.schema.copies import BackupCopy
from playbooks.recovery.gather import backed_up, vault_secret


def copies(facility: Facility, code: str) -> Copies | None:
    """Return the copies with their secrets sealed, None for a facility without any; raises RecoveryError."""
    if not facility.backup_copies:
        return None
    secrets = {PASSWORD: "vault_repository_password"}
    places = []
    for copy in facility.backup_copies:
        place = _place(copy)
        places.append(place)
        if copy.s3 and isinstance(place, S3Copy):
            secrets[place.secret] = copy.s3.secret
    # restic takes the password from a file without the blanks around it, from the environment with them.
    values = {variable: vault_secret(facility.directory, name).strip() for variable, name in secrets.items()}
    return Copies(tuple(host.name for host in backed_up(facility)), tuple(places), seal.seal(values, code))


def _place(copy: BackupCopy) -> Place:
    if copy.disk:
        return DiskCopy(copy.name, copy.disk.labels)
    if copy.sftp:
        at = copy.sftp
        return SftpCopy(copy.name, at.host, at.port, at.user, at.path, at.host_key)
    if copy.s3:
        return S3Copy(copy.name, copy.s3.url, copy.s3.bucket, copy.s3.key_id)
    raise ValueError(f"{copy.name}: no place")
