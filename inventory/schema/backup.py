"""Backup policies: what is saved when, how fresh and how fast it must come back, how long it is kept."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from inventory.schema.base import HOSTS, SLUG, Count, HostName, Model, Slug, pattern, refusal
from inventory.schema.sources import Source

CLOCK = '"HH:MM" in quotes, from "00:00" to "23:59", in the facility\'s time zone; the backup runs once a day'


def _quoted(value: object) -> object:
    if isinstance(value, int) and 0 <= value < 24 * 60:
        clock = f"{value // 60:02}:{value % 60:02}"
        raise refusal(f"{value} is a number, as {clock} without quotes is in YAML", f'{CLOCK}; write "{clock}"')
    return value


ClockTime = Annotated[str, BeforeValidator(_quoted), pattern(r"([01]\d|2[0-3]):[0-5]\d", "is not a time of day")]
Duration = Annotated[str, pattern(r"(?=.)(\d+y)?(\d+m)?(\d+d)?(\d+h)?", "is not a duration")]
Program = Annotated[
    tuple[str, ...], Field(min_length=1, description="a list of words, the first the absolute path of a program")
]


class SnapshotRetention(Model):
    """How long snapshots are kept; only `within` rules, because counts can be pushed out by faked snapshots."""

    keep_within: Duration = Field(description="a duration in restic's form, as 90d or 1y6m: everything within is kept")
    keep_within_hourly: Duration | None = Field(default=None, description="a duration: the last of each hour within")
    keep_within_daily: Duration | None = Field(default=None, description="a duration: the last of each day within")
    keep_within_weekly: Duration | None = Field(default=None, description="a duration: the last of each week within")
    keep_within_monthly: Duration | None = Field(default=None, description="a duration: the last of each month within")
    keep_within_yearly: Duration | None = Field(default=None, description="a duration: the last of each year within")


class Hooks(Model):
    """Programs, never shell lines, that run as root on the host before and after its run."""

    before: tuple[Program, ...] = Field(default=(), description="a list of programs; exit code 75 skips the run")
    after: tuple[Program, ...] = Field(default=(), description="a list of programs; they run however the run ended")
    timeout_seconds: Count = Field(default=600, description="seconds that each program may take: a whole number")


class Limits(Model):
    """What a run may take of the line and of the host."""

    upload_kib_per_second: Count | None = Field(default=None, description="KiB a second: a whole number, 1 or more")
    download_kib_per_second: Count | None = Field(default=None, description="KiB a second: a whole number, 1 or more")
    cpus: Count | None = Field(default=None, description="processor cores: a whole number, 1 or more")


class BackupPolicy(Model):
    """What the night's backup does on its hosts, and the targets that its restore test is measured by."""

    name: Slug = Field(description=SLUG)
    hosts: tuple[HostName, ...] = Field(min_length=1, description=HOSTS)
    schedule: ClockTime = Field(description=CLOCK)
    also_at: tuple[ClockTime, ...] = Field(default=(), description='further times of the day, as ["12:30", "18:00"]')
    order: Count = Field(default=100, description="of policies due together the lowest runs first: a whole number")
    sources: tuple[Source, ...] = Field(min_length=1, description="a list of sources")
    hooks: Hooks = Field(default_factory=Hooks, description="a mapping: before, after, timeout_seconds")
    limits: Limits = Field(
        default_factory=Limits, description="a mapping: upload_kib_per_second, download_kib_per_second, cpus"
    )
    rpo_hours: Count = Field(description="hours of work that may be lost at most: a whole number, 1 or more")
    rto_hours: Count = Field(description="hours until the data are back at most: a whole number, 1 or more")
    retention: SnapshotRetention = Field(description="a mapping: {keep_within: 90d}")

    @model_validator(mode="after")
    def _programs(self) -> Self:
        for words in (*self.hooks.before, *self.hooks.after):
            if not words[0].startswith("/"):
                raise refusal(f"the program {words[0]!r} has no absolute path", "as [/usr/bin/systemctl, stop, his]")
        return self
