"""Backup policies: what is saved when, how fresh and how fast it must come back, how long it is kept."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from inventory.schema.base import HOSTS, SLUG, AbsolutePath, Count, HostName, Model, Slug, Text, pattern, refusal

CLOCK = '"HH:MM" in quotes, from "00:00" to "23:59", in the facility\'s time zone; the backup runs once a day'


def _quoted(value: object) -> object:
    if isinstance(value, int) and 0 <= value < 24 * 60:
        clock = f"{value // 60:02}:{value % 60:02}"
        raise refusal(f"{value} is a number, as {clock} without quotes is in YAML", f'{CLOCK}; write "{clock}"')
    return value


ClockTime = Annotated[str, BeforeValidator(_quoted), pattern(r"([01]\d|2[0-3]):[0-5]\d", "is not a time of day")]
Duration = Annotated[str, pattern(r"(?=.)(\d+y)?(\d+m)?(\d+d)?(\d+h)?", "is not a duration")]


class DatabaseSource(Model):
    """A database that is dumped as a stream."""

    database: Annotated[str, pattern(r"[a-zA-Z_][a-zA-Z0-9_]{0,62}", "is not a database name")] = Field(
        description="the name of the database"
    )


class Source(Model):
    """One thing to save: a PostgreSQL database, a MariaDB database, or paths."""

    postgresql: DatabaseSource | None = Field(default=None, description="a mapping: {database: NAME}")
    mariadb: DatabaseSource | None = Field(default=None, description="a mapping: {database: NAME}")
    paths: tuple[AbsolutePath, ...] = Field(default=(), description="a list of absolute paths without . or ..")
    excludes: tuple[Text, ...] = Field(default=(), description="a list of restic exclude patterns, beside paths")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [bool(self.postgresql), bool(self.mariadb), bool(self.paths)]
        if sum(kinds) != 1:
            raise refusal(
                f"a source has {sum(kinds)} kinds", "exactly one of postgresql, mariadb, paths in a list item"
            )
        if self.excludes and not self.paths:
            raise refusal("excludes stands without paths", "excludes only beside paths")
        return self


class SnapshotRetention(Model):
    """How long snapshots are kept; only `within` rules, because counts can be pushed out by faked snapshots."""

    keep_within: Duration = Field(description="a duration in restic's form, as 90d or 1y6m; counted from the newest")


class BackupPolicy(Model):
    """What the night's backup does on its hosts, and the targets that its restore test is measured by."""

    name: Slug = Field(description=SLUG)
    hosts: tuple[HostName, ...] = Field(min_length=1, description=HOSTS)
    schedule: ClockTime = Field(description=CLOCK)
    sources: tuple[Source, ...] = Field(min_length=1, description="a list of sources: postgresql, mariadb or paths")
    rpo_hours: Count = Field(description="hours of work that may be lost at most: a whole number, 1 or more")
    rto_hours: Count = Field(description="hours until the data are back at most: a whole number, 1 or more")
    retention: SnapshotRetention = Field(description="a mapping: {keep_within: 90d}")
