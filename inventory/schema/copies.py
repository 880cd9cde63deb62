"""Further copies of the backups: removable disks that take turns, a partner's SFTP server, an S3 bucket."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from inventory.schema.backup import SnapshotRetention
from inventory.schema.base import SLUG, Model, Port, Slug, VaultName, pattern, refusal

Label = Annotated[str, pattern(r"[A-Za-z0-9][A-Za-z0-9_-]{0,15}", "is not a label")]
PlainPath = Annotated[str, pattern(r"/(?!.*(^|/)\.\.?(/|$))[^\s'\"\\{}]*", "is not an absolute path without spaces")]
Word = Annotated[str, pattern(r"[^\s'\"\\{}]+", "is not one plain word")]


class CopyDisks(Model):
    """Removable disks, each known by the label of its file system."""

    labels: tuple[Label, ...] = Field(
        min_length=1, description="a list of file systems' labels (letters, digits, - and _, at most 16)"
    )

    @model_validator(mode="after")
    def _different(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise refusal("two disks have one label", "a label of its own for each disk")
        return self


class CopySftp(Model):
    """A directory on a partner's SSH server, reached with the appliance's own key."""

    host: Annotated[str, pattern(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", "is not a host")] = Field(
        description="a name or an IPv4 address"
    )
    port: Port = Field(default=22, description="a TCP port")
    user: Annotated[str, pattern(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", "is not a user name")] = Field(
        description="the user at the partner"
    )
    path: PlainPath = Field(description="an absolute path without spaces; each host gets a directory in it")
    host_key: Annotated[str, pattern(r"(ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/=]+", "is not an SSH host key")] = Field(
        description="the server's SSH host key, as ssh-ed25519 AAAA…, as ssh-keyscan prints it"
    )


class CopyS3(Model):
    """A bucket of a provider that speaks S3."""

    url: Annotated[str, pattern(r"https://[^/@\s]+", "is not a URL without a path")] = Field(
        description="the provider's URL, as https://s3.example.com"
    )
    bucket: Word = Field(description="the bucket's name, with a prefix as BUCKET/PREFIX")
    key_id: Word = Field(description="the id of the access key")
    secret: VaultName = Field(description="the vault variable that holds the access key's secret")


class BackupCopy(Model):
    """One further copy of every host's backups, which the appliance makes after it has kept its own repositories."""

    name: Slug = Field(description=SLUG)
    disk: CopyDisks | None = Field(default=None, description="a mapping: {labels: [LABEL, LABEL]}")
    sftp: CopySftp | None = Field(default=None, description="a mapping: host, port, user, path, host_key")
    s3: CopyS3 | None = Field(default=None, description="a mapping: url, bucket, key_id, secret")
    retention: SnapshotRetention = Field(description="a mapping: {keep_within: 90d}")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        kinds = [kind for kind in ("disk", "sftp", "s3") if getattr(self, kind)]
        if len(kinds) != 1:
            raise refusal(f"a copy has {len(kinds)} places", "exactly one of disk, sftp, s3")
        return self
