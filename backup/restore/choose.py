"""Which parts of a set are meant, and by whom they are restored."""

from collections.abc import Sequence

from backup.errors import BackupError
from backup.night.backup_set import BackupSet, Part
from backup.restore import devices, mariadb, orthanc, postgresql, share, sqlite
from backup.restore.request import Request
from backup.restore.restorer import Restorer


def _database_names(part: Part) -> Sequence[str]:
    return part.name, str(part.manifest.get("database", part.name))


KINDS = {
    "postgresql": Restorer(postgresql.plan, in_place=True, is_database=True),
    "mariadb": Restorer(mariadb.plan, in_place=True, is_database=True, names=_database_names),
    "sqlite": Restorer(
        sqlite.plan, in_place=True, is_database=True, names=lambda part: (part.name, str(part.manifest.get("path")))
    ),
    "smb": Restorer(
        share.plan,
        names=lambda part: (part.name, str(part.manifest.get("share"))),
        entries="文件或目录",
        contents=share.contents,
    ),
    "devices": Restorer(devices.plan, entries="设备", contents=lambda part, _: devices.contents(part)),
    "orthanc": Restorer(orthanc.plan),
}


def restorable(sealed: BackupSet) -> list[Part]:
    """Return the parts of a set that are restored one by one: all but plain files and bases for a point in time."""
    return [part for part in sealed.parts if part.kind in KINDS]


def parts(request: Request, sealed: BackupSet) -> list[Part]:
    """Return the parts that ``request`` names.

    Raises BackupError: not_in_backup, and configuration_wrong for a name that fits two parts, or for what cannot be
    put in place.
    """
    if request.everything:
        return [part for part in restorable(sealed) if KINDS[part.kind].in_place or not request.in_place]
    databases = [part for part in restorable(sealed) if KINDS[part.kind].is_database]
    found = [_named(name, databases, sealed, "database") for name in request.databases]
    found += [_named(name, restorable(sealed), sealed, "part") for name in request.parts]
    for part in found:
        if request.in_place and not KINDS[part.kind].in_place:
            detail = (
                f"{part.kind} {part.name} is not put in place by this command: restore it beside (--target DIRECTORY)"
            )
            raise BackupError("configuration_wrong", "restore", detail)
    return list({(part.kind, part.name): part for part in found}.values())


def left_out(request: Request, sealed: BackupSet) -> list[Part]:
    """Return what an in-place restore of everything does not put back by itself."""
    if not (request.in_place and request.everything):
        return []
    return [part for part in restorable(sealed) if not KINDS[part.kind].in_place]


def _named(name: str, among: Sequence[Part], sealed: BackupSet, word: str) -> Part:
    exact = [part for part in among if part.name == name]
    found = exact or [part for part in among if name in KINDS[part.kind].names(part)]
    if len(found) > 1:
        detail = f"{name} may be {' or '.join(part.name for part in found)}"
        raise BackupError("configuration_wrong", "restore", detail)
    if not found:
        known = ", ".join(sorted(part.name for part in among)) or "none"
        raise BackupError("not_in_backup", f"set {sealed.run_id}", f"{word} {name}; it has: {known}")
    return found[0]
