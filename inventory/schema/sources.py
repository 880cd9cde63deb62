"""What a backup policy can save: databases, directories, the picture archive, shares, devices' configurations."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from inventory.schema.base import AbsolutePath, Flag, Model, Slug, Text, VaultName, pattern, refusal

DATABASE = "the name of the database"
DatabaseName = Annotated[str, pattern(r"[a-zA-Z_][a-zA-Z0-9_]{0,62}", "is not a database name")]


class PostgresqlSource(Model):
    """A PostgreSQL database that is dumped as a stream."""

    database: DatabaseName = Field(description=DATABASE)
    point_in_time: Flag = Field(default=False, description="true also keeps the server's WAL, to go back to any minute")


class MariadbSource(Model):
    """A MariaDB database that is dumped as a stream."""

    database: DatabaseName = Field(description=DATABASE)


class SqliteSource(Model):
    """A SQLite database that may be in use."""

    path: AbsolutePath = Field(description="the absolute path of the database's file")


class OrthancSource(Model):
    """Orthanc's index (SQLite) and its storage, saved as one."""

    index: AbsolutePath = Field(description="the absolute path of Orthanc's index file")
    storage: AbsolutePath = Field(description="the absolute path of Orthanc's storage directory")


class SmbSource(Model):
    """A share of a Windows machine, read over SMB."""

    share: Annotated[str, pattern(r"//[^/\s]+/[^/\\]+", "is not a share")] = Field(
        description="a share, as //HOST/NAME"
    )
    user: Text = Field(description="the user that reads the share")
    domain: Text | None = Field(default=None, description="the user's domain or workgroup")
    secret: VaultName = Field(description="the vault variable that holds the user's password")


class Source(Model):
    """One thing to save."""

    postgresql: PostgresqlSource | None = Field(default=None, description="a mapping: {database: NAME}")
    mariadb: MariadbSource | None = Field(default=None, description="a mapping: {database: NAME}")
    sqlite: SqliteSource | None = Field(default=None, description="a mapping: {path: PATH}")
    orthanc: OrthancSource | None = Field(default=None, description="a mapping: {index: PATH, storage: PATH}")
    smb: SmbSource | None = Field(default=None, description="a mapping: {share: //HOST/NAME, user: NAME, secret: VAR}")
    devices: tuple[Slug, ...] = Field(default=(), description="a list of names of gateways and access points")
    paths: tuple[AbsolutePath, ...] = Field(default=(), description="a list of absolute paths without . or ..")
    excludes: tuple[Text, ...] = Field(default=(), description="a list of restic exclude patterns, beside paths")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [kind for kind in Source.model_fields if kind != "excludes" and getattr(self, kind)]
        if len(kinds) != 1:
            allowed = ", ".join(kind for kind in Source.model_fields if kind != "excludes")
            raise refusal(f"a source has {len(kinds)} kinds", f"exactly one of {allowed} in a list item")
        if self.excludes and not self.paths:
            raise refusal("excludes stands without paths", "excludes only beside paths")
        return self
