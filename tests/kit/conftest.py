"""The backup tests' real repositories, and a kit as a facility would have it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup.kit import code, fonts, seal
from backup.kit.contents import Kit, KitRepository, Machine
from backup.kit.copies import Copies, DiskCopy, S3Copy, SftpCopy
from tests.backup.conftest import host, made_repositories, programs, restic_on_path
from tests.backup.servers import Authority

__all__ = ["font", "host", "kit", "kit_with_copies", "made_repositories", "programs", "restic_on_path"]

HOST_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
HTTP_PASSWORD = "0123456789abcdef" * 4
CODE = code.write(bytes(range(20)))
PASSWORD = "fedcba9876543210" * 4
BUCKET_SECRET = "it's/a+secret=of the bucket"


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(
        number="qinghe-20261123-a1b2",
        facility="qinghe",
        name_zh="清河镇卫生院",
        name_en="Qinghe Township Health Centre",
        made_at=datetime(2026, 11, 23, 5, 0, tzinfo=UTC),
        operator="xinglin-ops",
        appliance=Machine("appliance1", "198.18.0.10", 22, (f"198.18.0.10 ssh-ed25519 {HOST_KEY}",)),
        debian=13,
        server=Machine("vault1", "198.18.0.70", 22, (f"198.18.0.70 ssh-ed25519 {HOST_KEY}",)),
        server_port=8000,
        ca=Authority(tmp_path).certificate.read_text(),
        repositories=tuple(
            KitRepository(name, f"rest:https://198.18.0.70:8000/{name}/", name, HTTP_PASSWORD)
            for name in ("appliance1", "his1")
        ),
    )


@pytest.fixture
def kit_with_copies(kit: Kit) -> Kit:
    """The kit of a facility without a vault, with one copy of each kind."""
    bucket = S3Copy("cloud-1", "https://s3.example.com", "qinghe/copies", "AKID")
    places = (
        DiskCopy("disks", ("xinglin-a", "xinglin-b")),
        SftpCopy("partner", "198.51.100.7", 2222, "qinghe", "/srv/qinghe", f"ssh-ed25519 {HOST_KEY}"),
        bucket,
    )
    sealed = seal.seal({"RESTIC_PASSWORD": PASSWORD, bucket.secret: BUCKET_SECRET}, CODE)
    return replace(kit, server=kit.appliance, copies=Copies(("appliance1", "his1"), places, sealed))


@pytest.fixture
def font() -> fonts.Font:
    found = fonts.find()
    if found is None:
        pytest.skip(f"no font with Chinese (apt-get install {fonts.PACKAGE})")
    return found
